import { readFileSync, unwatchFile, watchFile, writeFileSync } from 'node:fs';

/** Follows a file that another process appends lines to. */
export function watchLines(path: string, onLine: (line: string) => void) {
  writeFileSync(path, '');
  let seen = 0;
  const read = (): string[] => {
    const text = readFileSync(path, 'utf8');
    // The last part may be half a line.
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean);
  };
  const catchUp = (): string[] => {
    const lines = read();
    for (const line of lines.slice(seen)) onLine(line);
    seen = lines.length;
    return lines;
  };
  watchFile(path, { interval: 500 }, catchUp);
  return {
    /** All lines, once nobody writes any more. */
    finish: catchUp,
    close: () => unwatchFile(path, catchUp),
  };
}

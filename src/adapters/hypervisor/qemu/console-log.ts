import { appendFile } from 'node:fs/promises';
import { fileTail } from './file-tail.ts';

const tailBytes = 16 * 1024;
const mark = '=== vmm: console of the run that began at';

/** The log outlives restarts, so each run begins with a line that tells it from the one before. */
export function markConsoleStart(path: string, at: Date): Promise<void> {
  return appendFile(path, `\n${mark} ${at.toISOString()} ===\n`, { mode: 0o600 });
}

/** The end of the console log, of the last run alone. */
export async function consoleTailOfRun(path: string): Promise<string> {
  const tail = await fileTail(path, tailBytes);
  const begin = tail.lastIndexOf(mark);
  return begin === -1 ? tail : tail.slice(tail.indexOf('\n', begin) + 1);
}

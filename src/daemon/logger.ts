import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export type { Logger };

export interface LogFileOptions {
  readonly path: string;
  /** The file becomes `<path>.1`, replacing the one before, when it has grown past this. Default 4 MiB. */
  readonly maxBytes?: number;
}

/** The daemon's log: JSON lines, at most two files of `maxBytes`. */
export function createLogger(options: LogFileOptions): Logger & { readonly closeFile: () => void } {
  const file = openRotatingFile(options.path, options.maxBytes ?? 4 * 1024 * 1024);
  const logger = pino({ base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, file);
  return Object.assign(logger, { closeFile: () => file.close() });
}

/** Written synchronously, so that the last words before a crash are there. A full disk loses lines, never the daemon. */
function openRotatingFile(path: string, maxBytes: number) {
  let { fd, size } = openAppending(path);
  const rotate = () => {
    renameSync(path, `${path}.1`);
    const old = fd;
    ({ fd, size } = openAppending(path));
    closeSync(old);
  };
  if (size > maxBytes) rotate();
  return {
    write(line: string): void {
      try {
        size += writeSync(fd, line);
        if (size > maxBytes) rotate();
      } catch {
        // Nowhere is left to tell it.
      }
    },
    close: () => closeSync(fd),
  };
}

function openAppending(path: string): { fd: number; size: number } {
  const fd = openSync(path, 'a', 0o600);
  return { fd, size: fstatSync(fd).size };
}

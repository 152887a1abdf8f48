import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Consoles } from '../../ports/console-log.ts';
import { createConsoleHubs } from './console-hub.ts';
import { readLog, readTail } from './read-log.ts';
import { removeLog, trimLog } from './trim-log.ts';

/** A console log takes at most this much, and as much again for each older part. */
const maxBytes = 8 * 2 ** 20;
const keep = 2;

export function createConsoles(): Consoles {
  const hubs = createConsoleHubs();
  return {
    async read(path, options) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return readLog(path, options);
    },
    tail: readTail,
    trim: async (path) => void (await trimLog(path, maxBytes, keep)),
    remove: (path) => removeLog(path, keep),
    attach: hubs.attach,
  };
}

import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

const chunkBytes = 64 * 1024;
const tailBytes = 8 * 1024;

interface ReadOptions {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  readonly signal: AbortSignal;
}

/** A log as a stream. With `follow` it goes on as the log grows, and over its being cut or made anew. */
export function readLog(path: string, options: ReadOptions): Readable {
  return Readable.from(chunks(path, options), { objectMode: false });
}

async function* chunks(path: string, { follow, tailLines, signal }: ReadOptions): AsyncGenerator<Buffer> {
  // The folder is watched, not the file: the file may not be there yet, and comes back as another one.
  using changes = follow ? watchFile(path, signal) : undefined;
  let offset = tailLines === undefined ? 0 : await offsetOfTail(path, tailLines);
  while (!signal.aborted) {
    await using file = await openIfThere(path);
    if (file !== undefined) {
      const { size } = await file.stat();
      if (size < offset) offset = 0;
      for await (const chunk of slices(file, offset)) {
        offset += chunk.length;
        yield chunk;
      }
    }
    if (changes === undefined) return;
    await changes.next();
  }
}

/** Buffers of their own: a stream keeps what it is handed until its reader comes. */
async function* slices(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let offset = from; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Where the last lines begin, looking back through at most 4 MiB. */
async function offsetOfTail(path: string, lines: number): Promise<number> {
  await using file = await openIfThere(path);
  if (file === undefined) return 0;
  const { size } = await file.stat();
  const start = Math.max(0, size - 4 * 2 ** 20);
  const { buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  let at = buffer.at(-1) === 10 ? buffer.length - 1 : buffer.length;
  for (let seen = 0; seen < lines && at > 0; seen += 1) at = buffer.subarray(0, at).lastIndexOf(10);
  return lines === 0 ? size : start + Math.max(0, at + 1);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** `next` resolves at once when something changed since the last call. */
function watchFile(path: string, signal: AbortSignal): Disposable & { next(): Promise<void> } {
  let dirty = false;
  let wake: (() => void) | undefined;
  const notify = () => {
    dirty = true;
    wake?.();
  };
  const watcher: FSWatcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) notify();
  });
  signal.addEventListener('abort', notify, { once: true });
  return {
    async next() {
      if (!dirty && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      dirty = false;
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', notify);
      watcher.close();
    },
  };
}

/** The last lines for an error message: a guest wrote them, so nothing in them may steer a terminal. */
export async function readTail(path: string, lines: number): Promise<string> {
  await using file = await openIfThere(path);
  if (file === undefined) return '';
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, Math.max(0, size - tailBytes));
  const text = stripVTControlCharacters(buffer.toString('utf8', 0, bytesRead)).replace(/[^\P{Cc}\n\t]/gu, '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

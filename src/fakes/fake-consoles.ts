import { PassThrough, Readable } from 'node:stream';
import { VmmError } from '../contract/errors.ts';
import type { Consoles } from '../ports/console-log.ts';
import type { VmHandle } from '../ports/hypervisor.ts';

type Read = Parameters<Consoles['read']>[1];

/** Console logs as texts. */
export class FakeConsoles implements Consoles {
  readonly #logs = new Map<string, string>();
  readonly #followers = new Map<string, Set<Readable>>();

  /** The guest prints. */
  print(path: string, text: string): void {
    this.#logs.set(path, (this.#logs.get(path) ?? '') + text);
    for (const follower of this.#followers.get(path) ?? []) follower.push(text);
  }

  paths(): readonly string[] {
    return [...this.#logs.keys()];
  }

  async read(path: string, { follow, tailLines, signal }: Read): Promise<Readable> {
    const text = lastLines(this.#logs.get(path) ?? '', tailLines ?? Number.POSITIVE_INFINITY);
    if (!follow) return Readable.from(text === '' ? [] : [Buffer.from(text)]);
    const stream = new Readable({ read: () => undefined });
    const followers = this.#followers.get(path) ?? new Set();
    this.#followers.set(path, followers.add(stream));
    if (text !== '') stream.push(text);
    const end = () => {
      followers.delete(stream);
      stream.push(null);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    return stream;
  }

  async tail(path: string, lines: number): Promise<string> {
    return lastLines(this.#logs.get(path) ?? '', lines).slice(-8192);
  }

  async trim(): Promise<void> {
    // Imagined logs stay small.
  }

  async remove(path: string): Promise<void> {
    this.#logs.delete(path);
  }

  /** Echoes what is typed, as a terminal in a guest does. */
  async attach(handle: VmHandle): Promise<PassThrough> {
    const line = new PassThrough();
    const ended = await Promise.race([handle.exited.then(() => true), Promise.resolve(false)]);
    if (ended) throw new VmmError('illegal_state', 'The VM does not run.');
    void handle.exited.then(() => line.end());
    return line;
  }
}

function lastLines(text: string, count: number): string {
  const lines = text.split(/(?<=\n)/);
  return lines.slice(Math.max(0, lines.length - count)).join('');
}

import type { Duplex, Readable } from 'node:stream';
import type { VmHandle } from './hypervisor.ts';

/** Serial consoles: their logs, and the live line. What is in them a guest wrote: bytes, never trusted. */
export interface Consoles {
  /** The log as a stream; with `follow` it goes on until the signal fires. A log that is not there is empty. */
  read(
    path: string,
    options: { readonly follow: boolean; readonly tailLines: number | undefined; readonly signal: AbortSignal },
  ): Promise<Readable>;
  /** The last lines, at most 8 KiB, control characters but newline and tab dropped. */
  tail(path: string, lines: number): Promise<string>;
  /** Bounds the log; cheap when it is small. */
  trim(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Attaches to a running VM; several may attach, each sees all. */
  attach(handle: VmHandle): Promise<Duplex>;
}

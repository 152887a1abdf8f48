import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { longestSocketName } from './runtime-files.ts';

/** sun_path has 108 bytes with the closing NUL (unix(7)). */
const longestSocketPath = 107;

export interface SocketDir {
  /** Path of a socket in the directory that this process can connect to. */
  at(name: string): string;
  close(): void;
}

/**
 * A runtime directory whose sockets can be connected to although its path may be too long for sun_path: then the way
 * leads through an open descriptor of ours, /proc/self/fd/N, which is short and good in this process alone.
 */
export function openSocketDir(runtimeDir: string): SocketDir {
  if (Buffer.byteLength(runtimeDir) + 1 + longestSocketName <= longestSocketPath) {
    return { at: (name) => join(runtimeDir, name), close: () => undefined };
  }
  let descriptor: number | undefined = openSync(runtimeDir, 'r');
  const base = `/proc/self/fd/${descriptor}`;
  return {
    at: (name) => `${base}/${name}`,
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

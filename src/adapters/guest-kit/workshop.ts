import { mkdir } from 'node:fs/promises';
import type { Progress } from '../../contract/stream.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';

/** What every step of a build has at hand. */
export interface Workshop {
  readonly runner: CommandRunner;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Scratch of this build alone. */
  readonly dir: string;
}

/** A fresh directory of the workshop. */
export async function room(shop: Workshop, name: string): Promise<string> {
  const path = `${shop.dir}/${name}`;
  await mkdir(path, { recursive: true });
  return path;
}

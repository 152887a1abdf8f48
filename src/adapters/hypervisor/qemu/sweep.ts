import { readdir, readlink, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ProcessTable } from '../../../ports/process-table.ts';
import { removeRuntimeDir } from './runtime-files.ts';

const graceMs = 2_000;

/**
 * Ends what works for a VM, whoever started it: a daemon that was killed between a start and the note of
 * it leaves processes that no record names. They are known by where their output goes: a log in that directory.
 */
export async function sweep(processes: ProcessTable, runtimeDir: string): Promise<void> {
  const directory = await realpath(runtimeDir).catch(() => undefined);
  if (directory === undefined) return;
  const entries = await readdir('/proc');
  await Promise.all(
    entries.map(async (entry) => {
      if (!/^\d+$/.test(entry)) return;
      const output = await readlink(`/proc/${entry}/fd/1`).catch(() => '/');
      if (dirname(output) !== directory) return;
      const identity = await processes.identify(Number(entry));
      if (identity !== undefined) await processes.terminate(identity, graceMs);
    }),
  );
  await removeRuntimeDir(runtimeDir);
}

import { readStatusFile } from '../client/read-status-file.ts';
import { VmmError } from '../contract/errors.ts';
import type { Vm } from '../contract/resources/vm.ts';
import { layout } from '../domain/layout.ts';
import type { Cli } from './cli.ts';

/**
 * All VMs for anybody, without starting a daemon: from the running one when we may ask it, else from its status file.
 * `note` says what a reader should know of the age of the data.
 */
export async function listVms(cli: Cli): Promise<{ readonly vms: readonly Vm[]; readonly note?: string }> {
  const { data_dir } = await cli.config();
  const status = readStatusFile(layout(data_dir).statusFile);
  if (status === undefined) return { vms: [] };
  if (!status.daemonAlive) {
    const ended = status.daemon === null;
    const when = new Date(status.writtenAt).toLocaleString();
    return ended ? { vms: status.vms } : { vms: status.vms, note: `The daemon is gone; this is as of ${when}.` };
  }
  try {
    const { createClient } = await import('../client/client.ts');
    const client = createClient({ socketPath: status.daemon?.socket ?? '', version: cli.version });
    try {
      return { vms: await client.call('vm.list', {}, { signal: cli.signal }) };
    } finally {
      client.close();
    }
  } catch (error) {
    if (!(error instanceof VmmError)) throw error;
    // Not in the group, another version, or just going: its status file is a moment old at most.
    return { vms: status.vms };
  }
}

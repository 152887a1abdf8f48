import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readStatusFile } from '../../client/read-status-file.ts';
import { VmmError } from '../../contract/errors.ts';
import type { SshAccess, Vm } from '../../contract/resources/vm.ts';
import { layout } from '../../domain/layout.ts';
import type { Cli } from '../cli.ts';

/** How to reach a guest's sshd. */
export interface Reach {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The name that the host key is known by. */
  readonly hostKeyAlias: string;
  /** From the daemon: vmm's own key and the host key it gave the guest. Without: the caller's keys, and a host key that is learnt at the first meeting. */
  readonly given: Pick<SshAccess, 'privateKey' | 'knownHosts'> | undefined;
  /** Where learnt host keys are kept. */
  readonly learntHosts: string;
}

/**
 * Asks the daemon. A user who may not speak with it can still reach a guest that has his own key, as with plain ssh: the
 * address stands in the status file. Errors: vm_not_found, illegal_state, not_root.
 */
export async function findAccess(cli: Cli, name: string): Promise<Reach> {
  const { owner, data_dir } = await cli.config();
  const learntHosts = join(owner.home, '.config', 'vmm', 'known_hosts');
  try {
    const client = await cli.client();
    const access = await client.call('vm.sshAccess', { params: { name } }, { signal: cli.signal });
    return { ...access, hostKeyAlias: aliasIn(access.knownHosts) ?? access.host, given: access, learntHosts };
  } catch (error) {
    if (!(error instanceof VmmError) || error.code !== 'not_root') throw error;
    const vm = readStatusFile(layout(data_dir).statusFile)?.vms.find((known) => known.name === name);
    const reach = vm === undefined ? undefined : reachOf(vm, learntHosts);
    if (reach === undefined) throw error;
    mkdirSync(join(owner.home, '.config', 'vmm'), { recursive: true });
    return reach;
  }
}

/** undefined when it does not run. Ids are never used twice, so a new VM of an old name has an alias of its own. */
export function reachOf({ id, status }: Vm, learntHosts: string): Reach | undefined {
  if (status.phase !== 'running' || status.ip === undefined) return undefined;
  return { host: status.ip, port: 22, user: 'root', hostKeyAlias: `vmm-${id}`, given: undefined, learntHosts };
}

/** The name the daemon wrote the host key under: ssh must look for that one, whatever the address. */
export function aliasIn(knownHosts: string): string | undefined {
  const [names = ''] = knownHosts.trim().split(/\s+/);
  const name = names.split(',')[0];
  return name === undefined || name === '' || name.startsWith('|') || name.startsWith('@') ? undefined : name;
}

import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { VmmError } from '../contract/errors.ts';
import type { Input } from '../contract/operations.ts';
import type { Cli } from './cli.ts';
import { expandHome } from './config/owner.ts';
import { collect } from './leaf.ts';
import { parseDns, parseGuestAddress } from './parse/address.ts';
import { parseForward } from './parse/forward.ts';
import { parseMount } from './parse/mount.ts';
import { parseLabels } from './parse/pairs.ts';
import { minMemoryMiB, parseCount, parseSizeMiB } from './parse/size.ts';
import { readSshKeys } from './parse/ssh-keys.ts';

type CreateInput = Input<'vm.create'>;
export type SpecInput = Omit<CreateInput, 'name'>;

/** The options that describe a VM, as commander gives them. */
export interface SpecOptions {
  readonly cpus?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly sshKey?: readonly string[];
  readonly dns?: readonly string[];
  readonly mount?: readonly string[];
  readonly engine?: NonNullable<CreateInput['engine']>;
  readonly kernel?: string;
  readonly autostart?: boolean;
  readonly userData?: string;
  readonly ip?: string;
  readonly publish?: readonly string[];
  readonly label?: readonly string[];
}

export function addSpecOptions(command: Command): Command {
  return command
    .option('--cpus <count>', 'number of virtual cpus (default 1)')
    .option('--memory <size>', 'memory in MiB, or with a unit: 2G (default 512)')
    .option('--disk <size>', 'disk in MiB, or with a unit: 10G (default 1024)')
    .option('--ssh-key <file>', 'public key for root; may be repeated', collect)
    .option('--dns <address>', 'DNS server of the guest; may be repeated', collect)
    .option('--mount <path:tag[:ro|rw]>', 'host directory in the guest at /mnt/<tag>; may be repeated', collect)
    .addOption(
      new Option('--engine <engine>', 'what runs the VM').choices(['auto', 'firecracker', 'cloud-hypervisor', 'qemu']),
    )
    .option('--kernel <name>', 'kernel of the guest')
    .option('--autostart', 'start with the host (default)')
    .option('--no-autostart', 'do not start with the host')
    .option('--user-data <file>', 'cloud-init user data')
    .option('--ip <address>', 'fixed address in the subnet')
    .option('-p, --publish <[address:]host:guest[/udp]>', 'forward a port of the host; may be repeated', collect)
    .option('--label <name=value>', 'label; may be repeated', collect);
}

/** The options and the configured defaults as the daemon wants them. What neither names is left to the daemon. */
export async function readSpec(cli: Cli, options: SpecOptions): Promise<SpecInput> {
  const { vm_defaults: defaults, engine, sources, owner } = await cli.config();
  const keyFiles = options.sshKey ?? (defaults.ssh_key === undefined ? [] : [defaults.ssh_key]);
  const sshKeys = await Promise.all(keyFiles.map((path) => readSshKeys(expandHome(path, owner))));
  const cpus = options.cpus === undefined ? defaults.cpus : parseCount(options.cpus, '--cpus', 1, 256);
  const memoryMiB =
    options.memory === undefined ? defaults.memory : parseSizeMiB(options.memory, '--memory', minMemoryMiB);
  const diskMiB = options.disk === undefined ? defaults.disk : parseSizeMiB(options.disk, '--disk');
  const dns = options.dns ?? defaults.dns;
  const chosen = options.engine ?? (sources.engine === 'user' ? engine : undefined);
  return {
    sshKeys: [...new Set(sshKeys.flat())],
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(diskMiB === undefined ? {} : { diskMiB }),
    ...(dns === undefined ? {} : { dns: parseDns(dns) }),
    ...(chosen === undefined ? {} : { engine: chosen }),
    ...(options.mount === undefined ? {} : { mounts: options.mount.map(parseMount) }),
    ...(options.publish === undefined ? {} : { forwards: options.publish.map(parseForward) }),
    ...(options.label === undefined ? {} : { labels: parseLabels(options.label) }),
    ...(options.kernel === undefined ? {} : { kernel: options.kernel }),
    ...(options.autostart === undefined ? {} : { autostart: options.autostart }),
    ...(options.ip === undefined ? {} : { ip: parseGuestAddress(options.ip) }),
    ...(options.userData === undefined ? {} : { userData: await readUserData(expandHome(options.userData, owner)) }),
  };
}

async function readUserData(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new VmmError('invalid_input', `The user data file ${path} cannot be read.`, {
      hint: `Look at it: ls -l ${path}`,
      cause,
    });
  }
}

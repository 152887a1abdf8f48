import { type Command, Option } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import type { Input } from '../../contract/operations.ts';
import { type Cli, print } from '../cli.ts';
import { expandHome } from '../config/owner.ts';
import { type CommonOptions, collect, leaf } from '../leaf.ts';
import { parseDns, parseGuestAddress } from '../parse/address.ts';
import { parseLabels } from '../parse/pairs.ts';
import { minMemoryMiB, parseCount, parseSizeMiB } from '../parse/size.ts';
import { readSshKeys } from '../parse/ssh-keys.ts';

type Patch = Input<'vm.set'>;

interface SetOptions extends CommonOptions {
  readonly cpus?: string;
  readonly memory?: string;
  readonly disk?: string;
  /** false: --no-ssh-key. */
  readonly sshKey?: readonly string[] | false;
  readonly dns?: readonly string[] | false;
  readonly autostart?: boolean;
  readonly kernel?: string;
  readonly engine?: NonNullable<Patch['engine']>;
  readonly ip?: string;
  readonly label?: readonly string[];
  readonly unlabel?: readonly string[];
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'set', 'Change the settings of a VM', [
    'vmm set web1 --cpus 4 --memory 4G',
    'vmm set web1 --ssh-key ~/.ssh/id_ed25519.pub',
    'vmm set web1 --no-autostart --label team=web',
  ])
    .argument('<vm>', 'name of the VM')
    .option('--cpus <count>', 'number of virtual cpus')
    .option('--memory <size>', 'memory in MiB, or with a unit: 2G')
    .option('--disk <size>', 'disk in MiB, or with a unit: 10G; it can only grow')
    .option('--ssh-key <file>', 'public key for root in place of those it has; may be repeated', collect)
    .option('--no-ssh-key', 'remove all public keys')
    .option('--dns <address>', 'DNS server in place of those it has; may be repeated', collect)
    .option('--no-dns', 'back to the default DNS servers')
    .option('--autostart', 'start with the host')
    .option('--no-autostart', 'do not start with the host')
    .option('--kernel <name>', 'kernel of the guest')
    .addOption(
      new Option('--engine <engine>', 'what runs the VM').choices(['auto', 'firecracker', 'cloud-hypervisor', 'qemu']),
    )
    .option('--ip <address>', 'fixed address in the subnet')
    .option('--label <name=value>', 'add or change a label; may be repeated', collect)
    .option('--unlabel <name>', 'remove a label; may be repeated', collect)
    .action(async (name: string, options: SetOptions) => {
      const patch = await readPatch(cli, name, options);
      if (Object.keys(patch).length === 0) {
        throw new VmmError('invalid_input', 'Nothing was named to change.', { hint: 'See: vmm set --help' });
      }
      const client = await cli.client();
      const result = await client.call('vm.set', { params: { name }, input: patch }, { signal: cli.signal });
      if (cli.options.json !== true) for (const notice of result.notices) cli.stderr.write(`Note: ${notice}\n`);
      print(cli, result, `${name} is changed`);
    });
}

async function readPatch(cli: Cli, name: string, options: SetOptions): Promise<Patch> {
  const { owner } = await cli.config();
  const keyFiles = options.sshKey === false ? [] : options.sshKey;
  const sshKeys = keyFiles && (await Promise.all(keyFiles.map((path) => readSshKeys(expandHome(path, owner))))).flat();
  const labels = await changedLabels(cli, name, options);
  const dns = options.dns === false ? [] : options.dns;
  return {
    ...(options.cpus === undefined ? {} : { cpus: parseCount(options.cpus, '--cpus', 1, 256) }),
    ...(options.memory === undefined ? {} : { memoryMiB: parseSizeMiB(options.memory, '--memory', minMemoryMiB) }),
    ...(options.disk === undefined ? {} : { diskMiB: parseSizeMiB(options.disk, '--disk') }),
    ...(sshKeys === undefined ? {} : { sshKeys: [...new Set(sshKeys)] }),
    ...(dns === undefined ? {} : { dns: parseDns(dns) }),
    ...(options.autostart === undefined ? {} : { autostart: options.autostart }),
    ...(options.kernel === undefined ? {} : { kernel: options.kernel }),
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    ...(options.ip === undefined ? {} : { ip: parseGuestAddress(options.ip) }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** Labels are changed one by one, but the daemon takes them whole. */
async function changedLabels(cli: Cli, name: string, options: SetOptions): Promise<Patch['labels']> {
  if (options.label === undefined && options.unlabel === undefined) return undefined;
  const client = await cli.client();
  const { spec } = await client.call('vm.inspect', { params: { name } }, { signal: cli.signal });
  const labels = { ...spec.labels, ...parseLabels(options.label ?? []) };
  for (const label of options.unlabel ?? []) delete labels[label];
  return labels;
}

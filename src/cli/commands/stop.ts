import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { resolveNames } from '../names.ts';
import { forEachName, showOn } from '../operate.ts';
import { parseSeconds } from '../parse/seconds.ts';

interface StopOptions extends CommonOptions {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly timeout: number;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'stop', 'Stop a VM: ask the guest, then power off', [
    'vmm stop web1',
    'vmm stop web1 --timeout 120',
    'vmm stop --all --force',
  ])
    .argument('[vm...]', 'names of VMs')
    .option('--all', 'every VM that runs')
    .option('-f, --force', 'power off at once, without asking the guest')
    .option('--timeout <seconds>', 'how long the guest may take before it is powered off', parseSeconds, 30)
    .action(async (given: string[], options: StopOptions) => {
      const names = await resolveNames(cli, 'stop', given, options.all === true, (vm) =>
        ['running', 'starting', 'stopping'].includes(vm.status.phase),
      );
      const input = { force: options.force === true, timeoutSeconds: options.timeout };
      const client = await cli.client();
      const results = await forEachName(cli, names, async (name, view) => {
        const shown = showOn(view, name);
        const vm = await client.progress('vm.stop', { params: { name }, input }, { signal: cli.signal, ...shown });
        return { text: `${name} is ${vm.status.phase}`, json: { vm } };
      });
      print(cli, results, '');
    });
}

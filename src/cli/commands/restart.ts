import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { resolveNames } from '../names.ts';
import { forEachName, showOn, tellNotices } from '../operate.ts';
import { runningText } from '../output/vm-text.ts';
import { parseSeconds } from '../parse/seconds.ts';

interface RestartOptions extends CommonOptions {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'restart', 'Stop a VM and start it again', ['vmm restart web1', 'vmm restart --all'])
    .argument('[vm...]', 'names of VMs')
    .option('--all', 'every VM that runs')
    .option('-f, --force', 'power off at once, without asking the guest')
    .option('--no-wait', 'return once the VM boots; do not wait for ssh')
    .option('--timeout <seconds>', 'how long to wait for ssh', parseSeconds, 180)
    .action(async (given: string[], options: RestartOptions) => {
      const names = await resolveNames(
        cli,
        'restart',
        given,
        options.all === true,
        (vm) => vm.status.phase === 'running',
      );
      const input = { force: options.force === true, wait: options.wait, timeoutSeconds: options.timeout };
      const client = await cli.client();
      const results = await forEachName(cli, names, async (name, view) => {
        const shown = showOn(view, name);
        const { vm, notices } = await client.progress(
          'vm.restart',
          { params: { name }, input },
          { signal: cli.signal, ...shown },
        );
        tellNotices(cli, view, notices);
        return { text: runningText(vm), json: { vm, notices } };
      });
      print(cli, results, '');
    });
}

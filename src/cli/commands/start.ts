import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { resolveNames } from '../names.ts';
import { forEachName, showOn, tellNotices } from '../operate.ts';
import { runningText } from '../output/vm-text.ts';
import { parseSeconds } from '../parse/seconds.ts';

interface StartOptions extends CommonOptions {
  readonly all?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'start', 'Start a VM and wait until ssh answers', [
    'vmm start web1',
    'vmm start web1 web2 --no-wait',
    'vmm start --all',
  ])
    .argument('[vm...]', 'names of VMs')
    .option('--all', 'every VM that does not run')
    .option('--no-wait', 'return once the VM boots; do not wait for ssh')
    .option('--timeout <seconds>', 'how long to wait for ssh', parseSeconds, 180)
    .action(async (given: string[], options: StartOptions) => {
      const names = await resolveNames(cli, 'start', given, options.all === true, (vm) =>
        ['stopped', 'failed'].includes(vm.status.phase),
      );
      const input = { wait: options.wait, timeoutSeconds: options.timeout };
      const client = await cli.client();
      const results = await forEachName(cli, names, async (name, view) => {
        const shown = showOn(view, name);
        const { vm, notices } = await client.progress(
          'vm.start',
          { params: { name }, input },
          { signal: cli.signal, ...shown },
        );
        tellNotices(cli, view, notices);
        return { text: runningText(vm), json: { vm, notices } };
      });
      print(cli, results, '');
    });
}

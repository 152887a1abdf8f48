import { type Command, Option } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { withProgress } from '../operate.ts';
import { runningText } from '../output/vm-text.ts';
import { parseSeconds } from '../parse/seconds.ts';

interface WaitOptions extends CommonOptions {
  readonly for: 'ready' | 'stopped';
  readonly timeout: number;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'wait', 'Wait until a VM is ready or stopped', [
    'vmm wait web1',
    'vmm wait web1 --for stopped --timeout 600',
  ])
    .argument('<vm>', 'name of the VM')
    .addOption(new Option('--for <state>', 'what to wait for').choices(['ready', 'stopped']).default('ready'))
    .option('--timeout <seconds>', 'how long to wait', parseSeconds, 180)
    .action(async (name: string, options: WaitOptions) => {
      const client = await cli.client();
      const vm = await withProgress(cli, async (view) => {
        view.update(name, { step: 'wait', message: `Waiting until it is ${options.for}` });
        const query = { for: options.for, timeoutSeconds: options.timeout };
        return await client.call('vm.wait', { params: { name }, query }, { signal: cli.signal });
      });
      print(cli, vm, runningText(vm));
    });
}

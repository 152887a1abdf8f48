import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { vmDetails } from '../output/vm-details.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'inspect', 'Show all of one VM', ['vmm inspect web1', 'vmm inspect web1 --json | jq .status.ip'])
    .argument('<vm>', 'name of the VM')
    .action(async (name: string) => {
      const client = await cli.client();
      const vm = await client.call('vm.inspect', { params: { name } }, { signal: cli.signal });
      print(cli, vm, vmDetails(vm));
    });
}

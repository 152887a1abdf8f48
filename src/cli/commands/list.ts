import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { listVms } from '../list-vms.ts';
import { vmTable } from '../output/vm-text.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'list', 'List all VMs', ['vmm list', 'vmm list --json']).action(async () => {
    const { vms, note } = await listVms(cli);
    if (note !== undefined) cli.stderr.write(`Note: ${note}\n`);
    print(cli, vms, vmTable(vms, new Date()));
  });
}

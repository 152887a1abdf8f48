import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { showOn, tellNotices, withProgress } from '../operate.ts';
import { runningText } from '../output/vm-text.ts';
import { addSpecOptions, readSpec, type SpecOptions } from '../spec-options.ts';

interface CreateOptions extends CommonOptions, SpecOptions {
  readonly image?: string;
  readonly start?: boolean;
}

export function register(program: Command, cli: Cli): void {
  const command = leaf(program, 'create', 'Create a VM', [
    'vmm create web1 --cpus 2 --memory 1024 --ssh-key ~/.ssh/id_ed25519.pub',
    'vmm create web1 --memory 2G --disk 10G --dns 9.9.9.9 --dns 1.1.1.1',
    'vmm create web1 --mount /home/me/code:code:ro -p 8080:80 --start',
  ]).argument('<vm>', 'name of the new VM');
  addSpecOptions(command)
    .option('--image <name>', 'image it is made from (default debian)')
    .option('--start', 'start it at once')
    .action(async (name: string, options: CreateOptions) => {
      const image = options.image ?? (await cli.config()).vm_defaults.image;
      const input = { name, ...(await readSpec(cli, options)), ...(image === undefined ? {} : { image }) };
      const client = await cli.client();
      const { vm, notices } = await withProgress(cli, async (view) => {
        const waiting = { signal: cli.signal, ...showOn(view, name) };
        const created = await client.progress('vm.create', { input }, waiting);
        tellNotices(cli, view, created.notices);
        if (options.start !== true) return created;
        const started = await client.progress('vm.start', { params: { name }, input: {} }, waiting);
        tellNotices(cli, view, started.notices);
        return { vm: started.vm, notices: [...created.notices, ...started.notices] };
      });
      const text = options.start === true ? runningText(vm) : `${name} is created. Start it: vmm start ${name}`;
      print(cli, { vm, notices }, text);
    });
}

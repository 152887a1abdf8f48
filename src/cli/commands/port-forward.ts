import type { Command } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import { type Cli, print } from '../cli.ts';
import { leaf, withCommonOptions } from '../leaf.ts';
import { formatTable } from '../output/table.ts';
import { formatForward, parseForward, parseForwardKey } from '../parse/forward.ts';

const form = '[address:]host:guest[/udp]';

export function register(program: Command, cli: Cli): void {
  const command = withCommonOptions(program.command('port-forward').description('Forward ports of the host to a VM'), [
    'vmm port-forward web1 8080:80',
    'vmm port-forward list web1',
    'vmm port-forward remove web1 8080',
  ])
    .usage('<vm> <host:guest> | add|list|remove <vm> ...')
    .argument('[vm]', 'name of the VM')
    .argument('[forward]', form)
    .action(async (name: string | undefined, forward: string | undefined) => {
      if (name === undefined || forward === undefined) {
        throw new VmmError('invalid_input', 'A VM and a forward are needed.', {
          hint: 'vmm port-forward web1 8080:80',
        });
      }
      await add(cli, name, forward);
    });

  leaf(command, 'add', 'Forward a port of the host to a VM', [
    'vmm port-forward add web1 8080:80',
    'vmm port-forward add web1 127.0.0.1:8080:80',
    'vmm port-forward add web1 5353:53/udp',
  ])
    .argument('<vm>', 'name of the VM')
    .argument('<forward>', form)
    .action(async (name: string, forward: string) => await add(cli, name, forward));

  leaf(command, 'list', 'List the port forwards of a VM', ['vmm port-forward list web1'])
    .argument('<vm>', 'name of the VM')
    .action(async (name: string) => {
      const client = await cli.client();
      const forwards = await client.call('forward.list', { params: { name } }, { signal: cli.signal });
      const rows = forwards.map((f) => [f.protocol, f.bind, String(f.hostPort), String(f.guestPort)]);
      print(cli, forwards, formatTable(['PROTOCOL', 'ADDRESS', 'HOST', 'GUEST'], rows));
    });

  leaf(command, 'remove', 'Remove a port forward', [
    'vmm port-forward remove web1 8080',
    'vmm port-forward remove web1 127.0.0.1:8080',
    'vmm port-forward remove web1 5353/udp',
  ])
    .argument('<vm>', 'name of the VM')
    .argument('<port>', '[address:]host[/udp]')
    .action(async (name: string, port: string) => {
      const client = await cli.client();
      const query = parseForwardKey(port);
      const forward = await client.call('forward.remove', { params: { name }, query }, { signal: cli.signal });
      print(cli, forward, `${name}: ${formatForward(forward)} is removed`);
    });
}

async function add(cli: Cli, name: string, text: string): Promise<void> {
  const input = parseForward(text);
  const client = await cli.client();
  const forward = await client.call('forward.add', { params: { name }, input }, { signal: cli.signal });
  print(cli, forward, `${name}: ${formatForward(forward)}`);
}

import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { runSsh } from '../ssh/run-ssh.ts';
import { openSshSession } from '../ssh/session.ts';

interface SshOptions extends CommonOptions {
  readonly user?: string;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'ssh', 'Open a shell in a VM with ssh', [
    'vmm ssh web1',
    'vmm ssh web1 -u admin',
    'vmm ssh web1 -- uname -a',
    'vmm ssh web1 -- -L 5432:localhost:5432 -N',
  ])
    .usage('<vm> [-u <user>] [-- <arguments of ssh or a command>...]')
    .argument('<vm>', 'name of the VM')
    .argument('[arguments...]', 'more arguments for ssh, or a command, after --')
    .option('-u, --user <user>', 'user in the guest (default root)')
    .addHelpText('after', '\nWith --json: address, port and host key, for a client of your own.')
    .action(async (name: string, rest: string[], options: SshOptions) => {
      using session = await openSshSession(cli, name);
      if (options.json === true) {
        const { host, port, user, given } = session.reach;
        return print(cli, { host, port, user, knownHosts: given?.knownHosts ?? null }, '');
      }
      const user = options.user === undefined ? {} : { user: options.user };
      cli.exitCode = await runSsh(cli, session, { rest, interactive: cli.stdin.isTTY, ...user });
    });
}

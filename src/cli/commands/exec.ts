import type { Command } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, collect, leaf } from '../leaf.ts';
import { parseEnv } from '../parse/pairs.ts';
import { remoteCommand } from '../ssh/quote.ts';
import { captureSsh, runSsh } from '../ssh/run-ssh.ts';
import { openSshSession, type SshSession } from '../ssh/session.ts';

export interface ExecOptions extends CommonOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly user?: string;
  readonly env?: readonly string[];
  readonly workdir?: string;
}

export function addExecOptions(command: Command): Command {
  return command
    .option('-i, --interactive', 'hand our stdin to the command')
    .option('-t, --tty', 'give the command a terminal')
    .option('-u, --user <user>', 'user in the guest (default root)')
    .option('-e, --env <name[=value]>', 'environment variable; may be repeated', collect)
    .option('-w, --workdir <path>', 'directory in the guest to run it in');
}

export function register(program: Command, cli: Cli): void {
  const command = leaf(program, 'exec', 'Run a command in a running VM', [
    'vmm exec web1 -- uname -a',
    'vmm exec -it web1 bash',
    'echo hello | vmm exec -i web1 -- tee /root/hello',
    'vmm exec -e DEBUG=1 -w /srv web1 -- ./job',
  ])
    .usage('[options] <vm> [--] <command> [arguments...]')
    .argument('<vm>', 'name of the VM')
    .argument('<command...>', 'command and its arguments')
    .passThroughOptions()
    .addHelpText('after', '\nThe exit code is that of the command.');
  addExecOptions(command).action(async (name: string, words: string[], options: ExecOptions) => {
    assertCommand(words, `exec ${words[0]} ${name} …`);
    using session = await openSshSession(cli, name);
    const ended = await execute(cli, session, words, options);
    if (ended.captured !== undefined) print(cli, ended.captured, '');
    cli.exitCode = ended.exitCode;
  });
}

/** Options after the name would be taken for the command, whose name never begins with a dash. Throws invalid_input. */
export function assertCommand(words: readonly string[], before: string): void {
  const first = words[0] ?? '';
  if (first === '--' || !first.startsWith('-')) return;
  throw new VmmError('invalid_input', `${first} is no command.`, { hint: `Options come first: vmm ${before}` });
}

/** Runs a command in the guest, on our terminal or, with --json, captured. A `--` before it is dropped. */
export async function execute(cli: Cli, session: SshSession, words: readonly string[], options: ExecOptions) {
  const args = words[0] === '--' ? words.slice(1) : words;
  const request = {
    tty: options.tty === true ? ('force' as const) : ('none' as const),
    interactive: options.interactive === true && cli.stdin.isTTY,
    rest: [
      '--',
      remoteCommand({
        args,
        env: parseEnv(options.env ?? [], cli.env),
        ...(options.workdir === undefined ? {} : { workdir: options.workdir }),
      }),
    ],
    ...(options.user === undefined ? {} : { user: options.user }),
  };
  const stdin = options.interactive === true ? 'inherit' : 'ignore';
  if (options.json === true) {
    const captured = await captureSsh(cli, session, request, stdin);
    return { exitCode: captured.exitCode, captured };
  }
  return { exitCode: await runSsh(cli, session, request, stdin), captured: undefined };
}

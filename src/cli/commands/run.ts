import type { Command } from 'commander';
import type { Client } from '../../client/client.ts';
import { asVmmError, VmmError } from '../../contract/errors.ts';
import { type Cli, print } from '../cli.ts';
import { generateName } from '../generate-name.ts';
import { collect, leaf } from '../leaf.ts';
import { showOn, tellNotices, withProgress } from '../operate.ts';
import { printError } from '../output/print-error.ts';
import { addSpecOptions, readSpec, type SpecInput, type SpecOptions } from '../spec-options.ts';
import { shellQuote } from '../ssh/quote.ts';
import { runSsh } from '../ssh/run-ssh.ts';
import { openSshSession, type SshSession } from '../ssh/session.ts';
import { addExecOptions, assertCommand, type ExecOptions, execute } from './exec.ts';

interface RunOptions extends SpecOptions, ExecOptions {
  readonly name?: string;
  readonly rm?: boolean;
  readonly detach?: boolean;
  readonly volume?: readonly string[];
}

const namesTried = 5;

export function register(program: Command, cli: Cli): void {
  const command = leaf(program, 'run', 'Create a VM, start it and run a command in it', [
    'vmm run --rm debian -- uname -a',
    'vmm run -it --rm debian bash',
    'vmm run -d --name web1 -p 8080:80 --memory 1G debian',
    'vmm run --rm -v /srv/data:data:ro debian ls /mnt/data',
  ])
    .usage('[options] <image> [--] [command] [arguments...]')
    .argument('<image>', 'image it is made from')
    .argument('[command...]', 'command and its arguments; none: a shell')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe exit code is that of the command. When the command ends the VM is stopped and stays, unless --rm was given.',
    );
  addExecOptions(addSpecOptions(command))
    .option('--name <name>', 'name of the VM; none: one is made up')
    .option('--rm', 'delete the VM when the command ends')
    .option('-d, --detach', 'leave the VM running, print its name; the command runs behind, its output in `vmm logs`')
    .option('-v, --volume <path:tag[:ro|rw]>', 'the same as --mount', collect)
    .action(async (image: string, words: string[], options: RunOptions) => {
      assertCommand(words, `run ${words[0]} ${image} …`);
      const args = words[0] === '--' ? words.slice(1) : words;
      if (options.detach === true && options.rm === true) {
        throw new VmmError('invalid_input', '--detach and --rm do not go together.', {
          hint: 'Leave one out; remove the VM later with: vmm delete --force <vm>',
        });
      }
      const mounts = [...(options.mount ?? []), ...(options.volume ?? [])];
      const spec = await readSpec(cli, mounts.length === 0 ? options : { ...options, mount: mounts });
      await run(cli, { ...spec, image }, args, options);
    });
}

async function run(cli: Cli, spec: SpecInput, args: readonly string[], options: RunOptions): Promise<void> {
  const client = await cli.client();
  const name = await createNamed(cli, client, spec, options.name);
  let settle = true;
  try {
    await withProgress(cli, async (view) => {
      const waiting = { signal: cli.signal, ...showOn(view, name) };
      tellNotices(cli, view, (await client.progress('vm.start', { params: { name }, input: {} }, waiting)).notices);
    });
    using session = await openSshSession(cli, name);
    if (options.detach === true) {
      if (args.length > 0) await startBehind(cli, session, args, options);
      settle = false;
      return print(cli, { name }, name);
    }
    const { exitCode, captured } = await foreground(cli, session, args, options);
    cli.exitCode = exitCode;
    if (captured !== undefined) print(cli, { name, ...captured }, '');
  } finally {
    if (settle) await end(cli, client, name, options);
  }
}

/** A made-up name may be taken: then another is tried. */
async function createNamed(cli: Cli, client: Client, spec: SpecInput, given: string | undefined): Promise<string> {
  return await withProgress(cli, async (view) => {
    for (let tries = 1; ; tries += 1) {
      const name = given ?? generateName();
      try {
        // What runs one command is not started again with the host unless that was asked for.
        const input = { autostart: false, ...spec, name };
        const waiting = { signal: cli.signal, ...showOn(view, name) };
        tellNotices(cli, view, (await client.progress('vm.create', { input }, waiting)).notices);
        return name;
      } catch (error) {
        const taken = error instanceof VmmError && error.code === 'vm_exists';
        if (given !== undefined || !taken || tries === namesTried) throw error;
      }
    }
  });
}

/** Without a command: a shell, on a terminal when ours is one, as ssh does it. */
async function foreground(cli: Cli, session: SshSession, args: readonly string[], options: RunOptions) {
  if (args.length > 0) return await execute(cli, session, args, options);
  const stdin = options.interactive === true || cli.stdin.isTTY ? 'inherit' : 'ignore';
  const user = options.user === undefined ? {} : { user: options.user };
  return {
    exitCode: await runSsh(cli, session, { interactive: cli.stdin.isTTY, ...user }, stdin),
    captured: undefined,
  };
}

/** The command lives on in the guest after ssh has left, and prints to the console, which is what `vmm logs` shows. */
async function startBehind(cli: Cli, session: SshSession, args: readonly string[], options: RunOptions): Promise<void> {
  const inner = args.map(shellQuote).join(' ');
  const script = `setsid sh -c ${shellQuote(`exec ${inner}`)} </dev/null >/dev/console 2>&1 &`;
  const { json: _, tty: __, interactive: ___, ...rest } = options;
  const { exitCode } = await execute(cli, session, ['sh', '-c', script], rest);
  if (exitCode !== 0) {
    throw new VmmError('guest_unreachable', `The command could not be started in ${session.name}.`, {
      hint: `The VM runs. Try: vmm exec ${session.name} -- ${args[0]}`,
    });
  }
}

/** The VM goes with --rm and is stopped otherwise. It must happen after Ctrl-C too, so it does not listen to it. */
async function end(cli: Cli, client: Client, name: string, options: RunOptions): Promise<void> {
  try {
    if (options.rm === true) await client.call('vm.delete', { params: { name }, query: { force: true } });
    else await client.progress('vm.stop', { params: { name }, input: {} });
  } catch (thrown) {
    const error = asVmmError(thrown);
    // It never ran, or the guest powered itself off: stopped is what we want.
    if (error.code === 'illegal_state') return;
    const code = printError(error, { stderr: cli.stderr, json: options.json === true, debug: options.debug === true });
    cli.exitCode = Math.max(cli.exitCode, code);
  }
}

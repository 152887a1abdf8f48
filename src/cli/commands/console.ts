import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import { createEscape } from '../console-escape.ts';
import { leaf } from '../leaf.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'console', 'Attach to the serial console', ['vmm console web1'])
    .argument('<vm>', 'name of the VM')
    .addHelpText('after', '\nLeave with Ctrl-], or with Enter ~ . as in ssh.')
    .action(async (name: string) => {
      if (cli.options.json === true) {
        throw new VmmError('invalid_input', 'The console is a stream of bytes; it has no JSON.', {
          hint: `What it printed, as JSON: vmm logs ${name} --json`,
        });
      }
      const client = await cli.client();
      const console = await client.duplex('vm.console', { params: { name } }, { signal: cli.signal });
      if (cli.stderr.isTTY) {
        cli.stderr.write(`Connected to the console of ${name}. Leave with Ctrl-], or Enter ~ .\n`);
      }
      await attach(cli, console);
      if (cli.stderr.isTTY) cli.stderr.write(`\nDisconnected from ${name}; it goes on.\n`);
    });
}

/** Joins our terminal and the console until one of them ends or the escape is typed. */
async function attach(cli: Cli, console: Duplex): Promise<void> {
  const { stdin, stdout } = cli;
  const findEscape = createEscape();
  const type = (chunk: Buffer) => {
    const { bytes, leave } = stdin.isTTY ? findEscape(chunk) : { bytes: chunk, leave: false };
    if (bytes.length > 0) console.write(bytes);
    if (leave) console.destroy();
  };
  const show = (chunk: Buffer) => {
    // A slow terminal holds the guest back, not our memory.
    if (!stdout.write(chunk)) {
      console.pause();
      stdout.once('drain', () => console.resume());
    }
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', type);
  console.on('data', show);
  try {
    await finished(console, { error: false });
  } catch (error) {
    // Leaving destroys the stream, which is no failure.
    if (!console.destroyed) throw error;
  } finally {
    stdin.off('data', type);
    stdin.pause();
    if (stdin.isTTY) stdin.setRawMode(false);
  }
}

import type { Command } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { resolveNames } from '../names.ts';
import { forEachName, tellNotices } from '../operate.ts';

interface DeleteOptions extends CommonOptions {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'delete', 'Delete a VM and all its files', [
    'vmm delete web1',
    'vmm delete web1 web2 --force',
    'vmm delete --all --yes',
  ])
    .argument('[vm...]', 'names of VMs')
    .option('--all', 'every VM')
    .option('-f, --force', 'also when it runs, or a mount holds writes that were never pulled')
    .option('-y, --yes', 'do not ask before --all')
    .action(async (given: string[], options: DeleteOptions) => {
      const names = await resolveNames(cli, 'delete', given, options.all === true, () => true);
      if (options.all === true && options.force !== true && options.yes !== true) await confirm(cli, names);
      const client = await cli.client();
      const results = await forEachName(cli, names, async (name, view) => {
        view.update(name, { step: 'delete', message: 'Deleting' });
        const { notices } = await client.call(
          'vm.delete',
          { params: { name }, query: { force: options.force === true } },
          { signal: cli.signal },
        );
        tellNotices(cli, view, notices);
        return { text: `${name} is deleted`, json: { notices } };
      });
      print(cli, results, '');
    });
}

/** Asks on a terminal alone: a script that says --all means it. Throws aborted. */
async function confirm(cli: Cli, names: readonly string[]): Promise<void> {
  if (names.length === 0 || !cli.stdin.isTTY || !cli.stderr.isTTY) return;
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: cli.stdin, output: cli.stderr });
  const interrupted = new AbortController();
  // The prompt reads the keys itself, so that Ctrl-C comes to it.
  prompt.on('SIGINT', () => interrupted.abort());
  try {
    const answer = await prompt.question(`Delete ${names.join(', ')} with all files? [y/N] `, {
      signal: AbortSignal.any([cli.signal, interrupted.signal]),
    });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    prompt.close();
  }
  throw new VmmError('aborted', 'Nothing was deleted.');
}

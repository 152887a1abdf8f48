import type { Command } from 'commander';
import { exitCodes } from '../../contract/errors.ts';
import { type Cli, print } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { showOn, withProgress } from '../operate.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'autostart', 'Start every VM that is to start with the host', [
    'vmm autostart',
    'vmm autostart --progress plain',
  ]).action(async () => {
    const client = await cli.client();
    const results = await withProgress(
      cli,
      async (view) => await client.progress('host.autostart', {}, { signal: cli.signal, ...showOn(view, 'autostart') }),
    );
    const lines = results.map(({ name, error }) =>
      error === undefined ? `${name} is started` : `${name} failed: ${error}`,
    );
    print(cli, results, lines.join('\n') || 'No VM is to be started.');
    if (results.some(({ error }) => error !== undefined)) cli.exitCode = exitCodes.failure;
  });
}

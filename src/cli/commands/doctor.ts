import type { Command } from 'commander';
import { exitCodes } from '../../contract/errors.ts';
import type { DoctorCheck } from '../../contract/resources/host.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { withProgress } from '../operate.ts';

const marks = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;

export function register(program: Command, cli: Cli): void {
  leaf(program, 'doctor', 'Check what this host can do and what is missing', [
    'vmm doctor',
    'vmm doctor --no-canary --json',
  ])
    .option('--no-canary', 'do not boot a guest to try the virtualization')
    .action(async (options: CommonOptions & { readonly canary: boolean }) => {
      const client = await cli.client();
      const checks = await withProgress(cli, async (view) => {
        view.update('doctor', { step: 'check', message: 'Looking at the host' });
        return await client.call('host.doctor', { query: { canary: options.canary } }, { signal: cli.signal });
      });
      print(cli, checks, checksText(checks));
      if (checks.some((check) => check.status === 'failed')) cli.exitCode = exitCodes.host;
    });
}

export function checksText(checks: readonly DoctorCheck[]): string {
  const width = Math.max(0, ...checks.map((check) => check.name.length));
  return checks
    .flatMap(({ name, status, summary, hint }) => {
      const line = `${marks[status].padEnd(7)}  ${name.padEnd(width)}  ${summary}`;
      return hint === undefined || status === 'ok' ? [line] : [line, `${' '.repeat(width + 11)}Hint: ${hint}`];
    })
    .join('\n');
}

import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { parseCopy } from '../copy/copy-spec.ts';
import { leaf } from '../leaf.ts';
import { withProgress } from '../operate.ts';
import { formatBytes } from '../output/format.ts';
import { openSshSession } from '../ssh/session.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'cp', 'Copy files between the host and a VM', [
    'vmm cp notes.txt web1:/root/',
    'vmm cp web1:/var/log ./web1-log',
    'vmm cp ./site/. web1:/srv/www',
  ])
    .argument('<source>', 'path, or <vm>:<path>')
    .argument('<target>', 'path, or <vm>:<path>')
    .addHelpText(
      'after',
      '\nAn existing directory takes the source in; else the target is its new name. dir/. is the content of dir.',
    )
    .action(async (from: string, to: string) => {
      const spec = parseCopy(from, to);
      using session = await openSshSession(cli, spec.vm);
      const result = await withProgress(cli, async (view) => {
        const onBytes = (current: number) =>
          view.update(spec.vm, { step: 'copy', message: 'Copying', current, unit: 'bytes' });
        if (spec.direction === 'in') {
          const { copyIn } = await import('../copy/copy-in.ts');
          return { ...(await copyIn(cli, session, spec.source, spec.target, onBytes)), skipped: [] };
        }
        const { copyOut } = await import('../copy/copy-out.ts');
        const { bytes, skipped } = await copyOut(cli, session, spec.source, spec.target, onBytes);
        for (const text of skipped) view.notice(text);
        return { bytes, skipped };
      });
      print(cli, { ...spec, ...result }, `${from} is copied to ${to} (${formatBytes(result.bytes)})`);
    });
}

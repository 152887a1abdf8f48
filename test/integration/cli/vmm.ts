/** The program `vmm` of these tests: the real command line, with the imagined engine behind it. */
import { join } from 'node:path';
import { main } from '../../../src/cli/main.ts';

const daemon = join(import.meta.dirname, 'fake-daemon.ts');

process.exitCode = await main(process.argv.slice(2), {
  version: '1.0.0',
  daemonCommand: ({ data_dir }) => [process.execPath, daemon, '--data-dir', data_dir, '--idle-seconds', '60'],
});

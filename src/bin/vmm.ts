/** The program `vmm`: dist/cli.js when built, this file when run from the sources. */
import { join } from 'node:path';
import { exitCodes } from '../contract/errors.ts';
import type { HostConfig } from '../contract/resources/host.ts';
import { version } from './version.ts';

const daemonEntry = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'vmm-daemon.ts' : 'daemon.js');

/** The idle time can be shortened for tests; all else comes from the settings alone. */
function daemonCommand(settings: HostConfig): readonly string[] {
  const idle = process.env.VMM_IDLE_SECONDS;
  return [
    process.execPath,
    daemonEntry,
    '--data-dir',
    settings.data_dir,
    '--bridge',
    settings.bridge_name,
    '--subnet',
    settings.subnet,
    '--host-interface',
    settings.host_interface,
    '--engine',
    settings.engine,
    ...(idle === undefined ? [] : ['--idle-seconds', idle]),
  ];
}

// Checked before the rest is loaded: an older Node would stop at syntax it does not know.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(`vmm needs Node 24.12 or newer; ${process.execPath} is ${process.versions.node}.\n`);
  process.exit(exitCodes.host);
}

const { main } = await import('../cli/main.ts');
process.exitCode = await main(process.argv.slice(2), { version, daemonCommand });

/** The daemon's program: dist/daemon.js when built, this file when run from the sources. Started by the client, or by a service with --keep. */
import { compose } from '../daemon/compose.ts';
import { runDaemon } from '../daemon/run.ts';
import { version } from './version.ts';

await runDaemon(process.argv.slice(2), version, compose);

/** Builds the kit that the tests' guests boot, in the data directory that all tests share. Run under the lock of that directory. */
import { join } from 'node:path';
import { createGuestKit } from '../../../../src/adapters/guest-kit/create-guest-kit.ts';
import { createCommandRunner } from '../../../../src/adapters/host/create-command-runner.ts';
import { systemClock } from '../../../../src/adapters/host/system-clock.ts';
import { layout } from '../../../../src/domain/layout.ts';

const [dataDir = ''] = process.argv.slice(2);
const kit = createGuestKit({
  runner: createCommandRunner(),
  clock: systemClock,
  layout: layout(dataDir),
  guestDir: join(import.meta.dirname, '../../../../guest'),
});
const signal = AbortSignal.timeout(600_000);
const { modulesPath, vmlinuxPath, vmlinuzPath, initramfsPath, digest } = await kit.ensure({
  onProgress: () => undefined,
  signal,
});
process.stdout.write(JSON.stringify({ modulesPath, vmlinuxPath, vmlinuzPath, initramfsPath, digest }));

/** Makes the kernel and the images that the suites with guests share, so that no suite spends its own time on them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedDataDir } from './seed-data-dir.ts';

const scratch = await mkdtemp(join(tmpdir(), 'vmm-prepare-'));
try {
  await seedDataDir(join(scratch, 'data'), ['debian', 'tiny']);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

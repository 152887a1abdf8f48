import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exec } from './exec.ts';

export const checkout = join(import.meta.dirname, '../..');
export const vmmProgram = join(checkout, 'bin/vmm');

/** What the program may know of the environment: nothing that could lead it to another data directory. */
export function vmmEnv(dataDir: string, home: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    VMM_DATA_DIR: dataDir,
  };
}

function cacheDir(): string {
  return process.env.VMM_TEST_CACHE ?? join(homedir(), '.cache', 'vmm-test');
}

/**
 * Fills a new data directory with kernel and images. They are made once a machine and kept in a cache; `image pull` finds
 * out by itself what is out of date. The lock (flock(1)) makes others wait that need it at the same time.
 */
export async function seedDataDir(dataDir: string, images: readonly string[]): Promise<void> {
  const cache = cacheDir();
  await mkdir(cache, { recursive: true });
  const from = join(cache, 'data');
  const script = join(import.meta.dirname, 'seed.sh');
  await exec('flock', [join(cache, 'lock'), script, vmmProgram, from, dataDir, ...images], {
    env: vmmEnv(from, cache),
    timeoutMs: 900_000,
  });
}

import { existsSync } from 'node:fs';
import { cp, link, mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { layout } from '../../src/domain/layout.ts';
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
 * A data directory with kernel and images, made once a machine and kept. `image pull` finds out by itself what is out of
 * date. The lock (flock(1)) makes others wait that need it at the same time.
 */
async function seed(images: readonly string[]): Promise<string> {
  const dataDir = join(cacheDir(), 'data');
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  const env = vmmEnv(dataDir, cacheDir());
  const locked = (...args: string[]) => exec('flock', [join(cacheDir(), 'lock'), ...args], { env, timeoutMs: 900_000 });
  const pulls = images.map((image) => `"$0" image pull ${image}`);
  // One lock around all of it: the daemon must be gone before the next one copies its database. The canary's verdict
  // is cached beside the images, which saves each test host its own.
  await locked(
    'sh',
    '-ec',
    [...pulls, '"$0" doctor --json >/dev/null || true', '"$0" daemon stop'].join('\n'),
    vmmProgram,
  );
  return dataDir;
}

/** Fills a new data directory with kernel, images and their records. Big files are hard links where the file system allows. */
export async function seedDataDir(dataDir: string, images: readonly string[]): Promise<void> {
  const from = await seed(images);
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  await linkTree(layout(from).rootfs, layout(dataDir).rootfs);
  await linkTree(layout(from).kernels, layout(dataDir).kernels);
  await mkdir(layout(dataDir).state, { recursive: true, mode: 0o700 });
  for (const name of await readdir(layout(from).state)) {
    const path = join(layout(from).state, name);
    if ([layout(from).tmp, layout(from).cache, layout(from).daemonLock, layout(from).daemonLog].includes(path))
      continue;
    await cp(path, join(layout(dataDir).state, name), { recursive: true, preserveTimestamps: true });
  }
}

async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkTree(source, target);
    else await linkOrCopy(source, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch {
    // Another file system. cp keeps holes, and shares blocks where it can.
    await exec('cp', ['--archive', '--sparse=always', '--reflink=auto', source, target], { timeoutMs: 300_000 });
  }
}

/** Removes a data directory, also one whose daemon is just going. */
export async function removeTree(path: string): Promise<void> {
  if (existsSync(dirname(path))) await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

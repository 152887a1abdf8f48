import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../support/exec.ts';
import { TestHost } from '../support/test-host.ts';
import { hostFacts } from './host-facts.ts';
import { median, type Report, type Series, type Verdict } from './stats.ts';

const limits = { ms: 300, bytes: 20 * 2 ** 20 } as const;

/** Time and disk of `vmm create` with the default image, on file systems with and without reflinks. */
export async function benchCreate(rounds: number, progress: (line: string) => void): Promise<Report> {
  const series: Series[] = [];
  const verdicts: Verdict[] = [];
  for (const type of ['ext4', 'xfs', 'btrfs']) {
    const { times, bytes } = await onFileSystem(type, rounds);
    progress(`${type}: ${times.map((ms) => ms.toFixed()).join(' ')} ms`);
    series.push({ name: `create on ${type}`, unit: 'ms', values: times });
    series.push({ name: `disk of one VM on ${type}`, unit: 'bytes', values: [bytes] });
    verdicts.push({ name: `create on ${type}, ms`, value: median(times), limit: limits.ms });
    verdicts.push({ name: `disk on ${type}, bytes`, value: bytes, limit: limits.bytes });
  }
  return { bench: 'create', host: hostFacts(), series, verdicts };
}

async function onFileSystem(type: string, rounds: number): Promise<{ times: number[]; bytes: number }> {
  const scratch = await mkdtemp(join(tmpdir(), 'vb-'));
  const [file, mountPoint] = [join(scratch, 'disk'), join(scratch, 'm')];
  await exec('truncate', ['-s', '6G', file]);
  await exec(`mkfs.${type}`, type === 'ext4' ? ['-q', '-F', file] : ['-q', file]);
  await mkdir(mountPoint);
  await exec('mount', ['-o', 'loop', file, mountPoint]);
  try {
    await using host = await TestHost.open({ images: ['debian'], dataDir: join(mountPoint, 'd') });
    // Starts the daemon, so that the first create is measured like the others.
    await host.vmm(['create', 'warm']);
    const before = await usedBytes(mountPoint);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      times.push((await host.vmm(['create', `b${round}`])).durationMs);
    }
    const bytes = ((await usedBytes(mountPoint)) - before) / rounds;
    await host.vmm(['delete', '--force', '--all']);
    await host.assertEmpty();
    return { times, bytes };
  } finally {
    await exec('umount', [mountPoint]);
    await rm(scratch, { recursive: true, force: true });
  }
}

async function usedBytes(path: string): Promise<number> {
  await exec('sync', ['-f', path]);
  const { blocks, bfree, bsize } = await statfs(path);
  return (blocks - bfree) * bsize;
}

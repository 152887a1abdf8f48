import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGuestKit } from '../../../../src/adapters/guest-kit/create-guest-kit.ts';
import { createCommandRunner } from '../../../../src/adapters/host/create-command-runner.ts';
import { hostInfo } from '../../../../src/adapters/host/host-info.ts';
import { systemClock } from '../../../../src/adapters/host/system-clock.ts';
import { createImageSource } from '../../../../src/adapters/image/create-image-source.ts';
import type { Progress } from '../../../../src/contract/stream.ts';
import { layout } from '../../../../src/domain/layout.ts';
import { exec } from '../../../support/exec.ts';

export const guestDir = join(import.meta.dirname, '../../../../guest');

/** A data directory of its own with the adapters that fill it. */
export async function openBench() {
  const scratch = await mkdtemp(join(tmpdir(), 'kit-'));
  const paths = layout(join(scratch, 'data'));
  const runner = createCommandRunner();
  const deps = { runner, clock: systemClock, layout: paths };
  const kitOf = (folder: string) => createGuestKit({ ...deps, guestDir: folder });
  const kit = kitOf(guestDir);
  const steps: Progress[] = [];
  const options = {
    onProgress: (progress: Progress) => void steps.push(progress),
    signal: AbortSignal.timeout(150_000),
  };

  return {
    scratch,
    paths,
    kit,
    kitOf,
    steps,
    options,
    images: createImageSource({ ...deps, host: hostInfo, kit }),
    /** An ext4 file of a folder's tree. */
    async fileSystem(tree: string, name: string, sizeMiB: number, label: string): Promise<string> {
      const path = join(scratch, name);
      await writeFile(path, '');
      await truncate(path, sizeMiB * 1024 ** 2);
      await exec('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', label, '-d', tree, path]);
      return path;
    },
    /** A copy of a base that is grown, as the disk of a VM. */
    async diskOf(base: string, sizeMiB: number): Promise<string> {
      const path = join(scratch, 'disk.img');
      await cp(base, path);
      await truncate(path, sizeMiB * 1024 ** 2);
      return path;
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}
export type Bench = Awaited<ReturnType<typeof openBench>>;

export async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCommandRunner } from '../../../src/adapters/host/create-command-runner.ts';
import { systemClock } from '../../../src/adapters/host/system-clock.ts';
import { createVolumeStore } from '../../../src/adapters/storage/create-volume-store.ts';
import { layout } from '../../../src/domain/layout.ts';
import type { CommandRunner } from '../../../src/ports/command-runner.ts';

export const isRoot = process.geteuid?.() === 0;
export const MiB = 1024 ** 2;
export const { signal } = new AbortController();

const makers = { ext4: ['mkfs.ext4', '-q', '-F'], xfs: ['mkfs.xfs', '-q', '-f'], btrfs: ['mkfs.btrfs', '-q', '-f'] };
export const fileSystems = ['ext4', 'xfs', 'btrfs'] as const;

export const sh = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });

interface Options {
  /** The data directory is a file system of its own. */
  readonly fileSystem?: keyof typeof makers;
  readonly sizeMiB?: number;
  readonly runner?: CommandRunner;
}

/** A temporary data directory with a volume store on it. Goes away with `using`. */
export function scratch({ fileSystem, sizeMiB = 1200, runner = createCommandRunner() }: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'vmm-storage-'));
  const root = join(folder, 'data');
  mkdirSync(root);
  if (fileSystem !== undefined) {
    const disk = join(folder, 'disk.img');
    sh('truncate', '-s', `${sizeMiB}M`, disk);
    const [program = '', ...args] = makers[fileSystem];
    sh(program, ...args, disk);
    sh('mount', '-o', 'loop', disk, root);
  }
  const paths = layout(root);
  mkdirSync(paths.rootfs, { recursive: true });
  return {
    folder,
    paths,
    volumes: createVolumeStore({ runner, layout: paths, clock: systemClock }),
    usedBytes() {
      sh('sync', '-f', root);
      const { blocks, bfree, bsize } = statfsSync(root);
      return (blocks - bfree) * bsize;
    },
    /** Every file below the data directory that is not a base image. */
    files: () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath !== paths.rootfs)
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort(),
    [Symbol.dispose]() {
      if (fileSystem !== undefined) sh('umount', root);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

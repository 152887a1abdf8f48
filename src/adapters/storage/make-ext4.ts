import type { CommandRunner } from '../../ports/command-runner.ts';

interface Ext4 {
  readonly path: string;
  readonly label: string;
  readonly sizeBytes: number;
  /** Added to what every file system of ours has. */
  readonly options: readonly string[];
  /** Likewise, for the list that follows -O. */
  readonly features: readonly string[];
  /** Likewise, for the list that follows -E. */
  readonly extended: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export const blockBytes = 4096;
export const inodeBytes = 256;

/** Above this size mke2fs would choose journals of up to 1 GiB, which a guest fills with time. */
const journalLimitFrom = 4 * 1024 ** 3;

/**
 * Makes an ext4 in a new sparse file. Its holes read as zeros, so tables and journal need no zeroing: neither now, nor by
 * the guest's kernel in the background, which would fill 16 MiB of the host's disk for each GiB of the guest's.
 */
export async function makeExt4(runner: CommandRunner, ext4: Ext4): Promise<void> {
  const journal = ext4.sizeBytes >= journalLimitFrom ? ['-J', 'size=64'] : [];
  await runner.run({
    program: 'mkfs.ext4',
    args: [
      ...['-q', '-F', '-b', String(blockBytes), '-I', String(inodeBytes), '-L', ext4.label],
      // Nothing to reserve: a guest's root may fill its own disk.
      ...['-m', '0'],
      // Newer e2fsprogs switch these on, and kernels before 5.15 then refuse to mount it writable.
      ...['-O', ['^orphan_file', '^metadata_csum_seed', ...ext4.features].join(',')],
      ...['-E', ['assume_storage_prezeroed=1', 'nodiscard', ...ext4.extended].join(',')],
      ...journal,
      ...ext4.options,
      ext4.path,
      `${Math.floor(ext4.sizeBytes / 1024)}k`,
    ],
    timeoutMs: ext4.timeoutMs,
    signal: ext4.signal,
  });
}

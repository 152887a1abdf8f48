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

/** Makes an ext4 in a sparse file. Its tables and journal are left to the guest's kernel to initialise: that is what keeps it small and quick. */
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
      ...['-E', ['lazy_itable_init=1', 'lazy_journal_init=1', 'nodiscard', ...ext4.extended].join(',')],
      ...journal,
      ...ext4.options,
      ext4.path,
      `${Math.floor(ext4.sizeBytes / 1024)}k`,
    ],
    timeoutMs: ext4.timeoutMs,
    signal: ext4.signal,
  });
}

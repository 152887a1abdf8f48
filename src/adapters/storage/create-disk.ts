import { constants, copyFile, open, stat, truncate } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import { labels } from '../../domain/guest-protocol.ts';
import type { Layout } from '../../domain/layout.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { VmDisk, VolumeStore } from '../../ports/volume-store.ts';
import { blockBytes, makeExt4 } from './make-ext4.ts';
import { replaceFile } from './replace-file.ts';
import { stopIfAborted, storageError, systemCode } from './storage-error.ts';

type Options = Parameters<VolumeStore['createDisk']>[0];

/** An upper layer may grow this many times without a change of its form. More room for it costs disk at once: 4 MiB at mke2fs' own 1,024. */
const growthReserve = 16;
/** ext4 with 4 KiB blocks and 32-bit block numbers, which `-E resize` is bound to, ends here. */
const largestReserveBlocks = 2 ** 32 - 1;

/** A clone of the base where the file system can share blocks; else an empty ext4 that the guest lays over the base. Either costs no copy. */
export async function createDisk(
  { runner, layout }: { readonly runner: CommandRunner; readonly layout: Layout },
  { vmId, basePath, sizeBytes, signal }: Options,
): Promise<VmDisk> {
  stopIfAborted(signal);
  const path = layout.vmDisk(vmId);
  let disk: VmDisk | undefined;
  try {
    const base = await stat(basePath);
    await replaceFile(path, 'durable', async (partial) => {
      const size = wholeBlocks(Math.max(sizeBytes, base.size));
      if (await cloned(basePath, partial)) {
        await truncate(partial, size);
        disk = { kind: 'reflink', path, sizeBytes: size };
      } else {
        await makeUpper(runner, partial, wholeBlocks(sizeBytes), signal);
        disk = { kind: 'overlay', path, sizeBytes: wholeBlocks(sizeBytes) };
      }
    });
  } catch (error) {
    throw storageError(`The disk ${path} could not be made`, error);
  }
  if (disk === undefined) throw new VmmError('internal', `The disk ${path} has no kind.`);
  return disk;
}

/** False where the file system cannot share blocks. */
async function cloned(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'ENOENT' || code === 'EIO') throw error;
    return false;
  }
  await using handle = await open(to, 'r+');
  await handle.chmod(0o600);
  return true;
}

async function makeUpper(runner: CommandRunner, path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
  {
    await using handle = await open(path, 'wx', 0o600);
    await handle.truncate(sizeBytes);
  }
  const reserveBlocks = Math.min((sizeBytes / blockBytes) * growthReserve, largestReserveBlocks);
  await makeExt4(runner, {
    path,
    label: labels.upper,
    sizeBytes,
    options: [],
    features: [],
    extended: reserveBlocks > sizeBytes / blockBytes ? [`resize=${reserveBlocks}`] : [],
    timeoutMs: 60_000,
    signal,
  });
}

/** Guests see whole sectors only, and ext4 whole blocks. */
export const wholeBlocks = (bytes: number) => Math.ceil(bytes / blockBytes) * blockBytes;

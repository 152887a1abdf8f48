import { open } from 'node:fs/promises';
import type { VmDisk } from '../../ports/volume-store.ts';
import { wholeBlocks } from './create-disk.ts';
import { stopIfAborted, storageError } from './storage-error.ts';

/** Disks never shrink: the guest's file system would lose its end. */
export async function growDisk(disk: VmDisk, sizeBytes: number, signal: AbortSignal): Promise<VmDisk> {
  stopIfAborted(signal);
  try {
    await using handle = await open(disk.path, 'r+');
    const { size } = await handle.stat();
    const grown = Math.max(size, wholeBlocks(sizeBytes));
    if (grown > size) {
      await handle.truncate(grown);
      await handle.sync();
    }
    return { ...disk, sizeBytes: grown };
  } catch (error) {
    throw storageError(`The disk ${disk.path} could not be grown`, error);
  }
}

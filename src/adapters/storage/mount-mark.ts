import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Layout } from '../../domain/layout.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { usedInodeTables } from './inode-tables.ts';
import { inodeBytes } from './make-ext4.ts';
import { replaceFile } from './replace-file.ts';
import { systemCode } from './storage-error.ts';

/**
 * What an image looked like when it was made or pulled. Kept beside the image, out of the guest's reach.
 *
 * A guest that merely mounts an image changes its superblock, so the file's time alone would tell of writes that never
 * were. Whoever changes a file or a directory changes its inode, though. So all inodes that were in use when the image was
 * made are remembered by a hash, and their places with it: later on they are read there as mere bytes, whatever else the
 * guest wrote.
 */
const markSchema = z.object({
  source: z.string(),
  sizeBytes: z.number(),
  modifiedNs: z.string(),
  /** Absent after a pull: the guest has used inodes since whose places we do not know, so the time alone counts. */
  inodes: z.object({ ranges: z.array(z.tuple([z.int(), z.int()])), sha256: z.string() }).optional(),
});
type Mark = z.infer<typeof markSchema>;

const markPath = (layout: Layout, vmId: string, tag: string) => join(layout.vmMounts(vmId), `${tag}.json`);

interface Fresh {
  readonly vmId: string;
  readonly tag: string;
  /** The new image, not yet in its place. */
  readonly imagePath: string;
  readonly source: string;
  readonly signal: AbortSignal;
}

/** Marks an image that was just made and that no guest has seen. */
export async function markFresh(
  { runner, layout }: { readonly runner: CommandRunner; readonly layout: Layout },
  { vmId, tag, imagePath, source, signal }: Fresh,
): Promise<void> {
  const ranges = await usedInodeTables(runner, imagePath, signal);
  await using image = await open(imagePath, 'r');
  const inodes = { ranges: [...ranges], sha256: await hashRanges(image, ranges) };
  await writeMark(markPath(layout, vmId, tag), { source, ...(await seenFrom(imagePath)), inodes });
}

export async function markPulled(layout: Layout, vmId: string, tag: string): Promise<void> {
  const path = markPath(layout, vmId, tag);
  const source = (await readMark(path))?.source ?? '';
  await writeMark(path, { source, ...(await seenFrom(layout.mountImage(vmId, tag))) });
}

export async function removeMark(layout: Layout, vmId: string, tag: string): Promise<void> {
  await rm(markPath(layout, vmId, tag), { force: true });
}

/** In doubt, yes: a copy too many is kept, never one too few. */
export async function hasWrites(layout: Layout, vmId: string, tag: string): Promise<boolean> {
  const imagePath = layout.mountImage(vmId, tag);
  const now = await seenFrom(imagePath).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (now === undefined) return false;
  const mark = await readMark(markPath(layout, vmId, tag));
  if (mark === undefined || mark.sizeBytes !== now.sizeBytes) return true;
  if (mark.modifiedNs === now.modifiedNs) return false;
  if (mark.inodes === undefined) return true;
  await using image = await open(imagePath, 'r');
  return (await needsRecovery(image)) || (await hashRanges(image, mark.inodes.ranges)) !== mark.inodes.sha256;
}

async function seenFrom(imagePath: string): Promise<Pick<Mark, 'sizeBytes' | 'modifiedNs'>> {
  const { size, mtimeNs } = await stat(imagePath, { bigint: true });
  return { sizeBytes: Number(size), modifiedNs: String(mtimeNs) };
}

/** A file system that was not unmounted: its latest changes are in its journal alone. Bit 4 of s_feature_incompat (ext4's disk layout, in the kernel's documentation). */
async function needsRecovery(image: FileHandle): Promise<boolean> {
  const { buffer } = await image.read(Buffer.alloc(4), 0, 4, 1024 + 0x60);
  return (buffer.readUInt32LE() & 0x4) !== 0;
}

/** What a guest that only reads changes in an inode: the time of access with its fraction, and the checksum's halves. */
const readingChanges = [
  [0x08, 0x0c],
  [0x8c, 0x90],
  [0x7c, 0x7e],
  [0x82, 0x84],
] as const;

async function hashRanges(image: FileHandle, ranges: readonly (readonly [number, number])[]): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1024 ** 2);
  for (const [start, length] of ranges) {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await image.read(buffer, 0, Math.min(buffer.length, length - done), start + done);
      if (bytesRead === 0) break;
      for (let inode = 0; inode < bytesRead; inode += inodeBytes) {
        for (const [from, to] of readingChanges) buffer.fill(0, inode + from, inode + to);
      }
      hash.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
  }
  return hash.digest('hex');
}

async function writeMark(path: string, mark: Mark): Promise<void> {
  await replaceFile(path, 'durable', async (partial) => {
    await using handle = await open(partial, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(mark));
  });
}

/** Undefined when there is none, or none that can be read: then everything counts as written. */
async function readMark(path: string): Promise<Mark | undefined> {
  try {
    return markSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

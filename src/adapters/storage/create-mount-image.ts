import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import type { Layout } from '../../domain/layout.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { VolumeStore } from '../../ports/volume-store.ts';
import { makeExt4 } from './make-ext4.ts';
import { measureTree, type TreeSize } from './measure-tree.ts';
import { markFresh } from './mount-mark.ts';
import { replaceFile } from './replace-file.ts';
import { stopIfAborted, storageError, systemCode } from './storage-error.ts';

type Options = Parameters<VolumeStore['createMountImage']>[0];
interface Deps {
  readonly runner: CommandRunner;
  readonly layout: Layout;
}

const GiB = 1024 ** 3;
/** How often a copy is begun anew when the tree changes under it or the room was estimated too small. */
const tries = 4;
/** A copy that takes longer is taken for hung, for example on a network file system that went away. */
const copyTimeoutMs = 60 * 60_000;

/** Copies a directory of the host into an ext4 image, by mke2fs itself: nothing is mounted. */
export async function createMountImage(deps: Deps, { vmId, tag, source, signal }: Options): Promise<{ path: string }> {
  stopIfAborted(signal);
  const path = deps.layout.mountImage(vmId, tag);
  const real = await resolveSource(source, deps.layout);
  // The open directory is what was checked, whatever becomes of its path meanwhile.
  await using folder = await openFolder(real, source);
  const pinned = `/proc/${process.pid}/fd/${folder.fd}`;
  try {
    await replaceFile(path, 'durable', async (partial) => {
      await copyTree(deps.runner, { partial, pinned, folder, source, signal });
      await markFresh(deps, { vmId, tag, imagePath: partial, source: real, signal });
    });
  } catch (error) {
    throw storageError(`The image of mount ${tag} could not be made`, error);
  }
  return { path };
}

async function resolveSource(source: string, layout: Layout): Promise<string> {
  const real = await realpath(source).catch((error: unknown) => {
    throw notReadable(source, error);
  });
  const data = await realpath(layout.root);
  if (contains(real, data) || contains(data, real)) {
    throw new VmmError('invalid_mount', `${source} and vmm's own data directory ${layout.root} hold one another.`, {
      hint: 'Mount a directory that is neither above nor below it.',
    });
  }
  return real;
}

const contains = (folder: string, path: string) => !/^\.\.(\/|$)/.test(relative(folder, path));

async function openFolder(real: string, source: string): Promise<FileHandle> {
  try {
    return await open(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw notReadable(source, error);
  }
}

function notReadable(source: string, error: unknown): VmmError {
  const code = systemCode(error);
  const why =
    code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is no directory' : 'cannot be read by the daemon';
  return new VmmError('invalid_mount', `${source} ${why}.`, { hint: `Look at it: ls -ld ${source}`, cause: error });
}

interface Copy {
  readonly partial: string;
  readonly pinned: string;
  readonly folder: FileHandle;
  readonly source: string;
  readonly signal: AbortSignal;
}

async function copyTree(runner: CommandRunner, { partial, pinned, folder, source, signal }: Copy): Promise<void> {
  const { uid, gid } = await folder.stat();
  for (let attempt = 1; ; attempt++) {
    const tree = await measureTree(runner, pinned, source, signal);
    const sizeBytes = imageBytes(tree) * 2 ** (attempt - 1);
    {
      await using handle = await open(partial, 'w', 0o600);
      await handle.truncate(sizeBytes);
    }
    try {
      await makeExt4(runner, {
        path: partial,
        label: 'vmm-mount',
        sizeBytes,
        // Never grown, since it is made anew instead: no room for larger tables is set aside.
        features: ['^resize_inode'],
        options: ['-N', String(inodeCount(tree, sizeBytes)), '-d', pinned],
        extended: [`root_owner=${uid}:${gid}`],
        timeoutMs: copyTimeoutMs,
        signal,
      });
      return;
    } catch (error) {
      const verdict = judge(error, source);
      if (verdict !== 'again') throw verdict;
      if (attempt === tries) {
        throw new VmmError('invalid_mount', `${source} changes faster than it can be copied.`, {
          hint: 'Let what writes to it pause, and sync the mount again.',
          cause: error,
        });
      }
    }
  }
}

/** The tree, what ext4 needs to manage it, and room for the guest to write: the file is sparse, so room costs nothing. */
export function imageBytes({ bytes, inodes }: TreeSize): number {
  const metadata = 64 * 1024 ** 2 + inodes * 320 + Math.ceil(bytes / 32);
  const room = Math.max(GiB, Math.ceil(bytes / 2));
  return Math.ceil((bytes + metadata + room) / 1024 ** 2) * 1024 ** 2;
}

/** One inode for each 16 KiB is mke2fs' own measure; a tree of tiny files needs more. */
export function inodeCount({ inodes }: TreeSize, sizeBytes: number): number {
  return Math.max(Math.ceil(sizeBytes / 16_384), Math.ceil(inodes * 1.25) + 4_096);
}

/** What mke2fs complains of: `again` where another try may do. */
function judge(error: unknown, source: string): unknown {
  const stderr = error instanceof VmmError && error.code === 'command_failed' ? (error.detail ?? '') : '';
  if (/Could not allocate (block|inode)|No such file or directory while|No free space in inode/.test(stderr))
    return 'again';
  const unreadable = /(?:Permission denied|Input\/output error|Stale file handle) while [^"\n]*"([^"\n]*)"/.exec(
    stderr,
  );
  if (unreadable === null) return error;
  return new VmmError('invalid_mount', `"${unreadable[1]}" in ${source} cannot be read.`, {
    hint: 'Make it readable, or mount a directory below it.',
    detail: stderr,
    cause: error,
  });
}

import { createInterface } from 'node:readline';
import { VmmError } from '../../contract/errors.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { blockBytes } from './make-ext4.ts';

export interface TreeSize {
  /** What the contents take in an ext4, holes counted as data. */
  readonly bytes: number;
  readonly inodes: number;
}

/** Their files are not data: reading some of them hangs, others are without end. */
const kernelFileSystems = new Set(
  'proc sysfs cgroup cgroup2 debugfs tracefs devpts securityfs bpf pstore efivarfs mqueue configfs'.split(' '),
);
/** A directory entry is 8 bytes and the name, and blocks are seldom full. */
const entryBytes = 64;
/** The files' holes are counted as long as the whole stays below this; an ext4 ends at 16 TiB. */
const largestApparent = 8 * 1024 ** 4;

/** Measures a directory as du does: each inode once, sparse files by their length. `shown` is the path that people know it by. */
export async function measureTree(
  runner: CommandRunner,
  folder: string,
  shown: string,
  signal: AbortSignal,
): Promise<TreeSize> {
  const complaints: string[] = [];
  // The dot after the slash makes find look into a folder that is given by a symbolic link.
  const child = runner.stream({
    program: 'find',
    args: [`${folder}/.`, '-printf', '%D:%i %n %s %b %F\\n'],
    timeoutMs: 10 * 60_000,
    signal,
    // 1: something vanished or could not be read; which of the two, its messages tell.
    okCodes: [0, 1],
    onLine: (line) => void (complaints.length < 10 && complaints.push(line.replaceAll(`${folder}/.`, shown))),
  });
  const linked = new Set<string>();
  let [inodes, apparent, allocated] = [0, 0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', links, size, blocks, fileSystem = ''] = line.split(' ');
    if (kernelFileSystems.has(fileSystem)) {
      throw new VmmError('invalid_mount', `${shown} holds a ${fileSystem} file system, which cannot be copied.`, {
        hint: 'Mount a directory below or beside it.',
      });
    }
    if (Number(links) > 1 && linked.has(id)) continue;
    if (Number(links) > 1) linked.add(id);
    inodes++;
    apparent += roundUp(Number(size)) + entryBytes;
    allocated += roundUp(Number(blocks) * 512) + entryBytes;
  }
  await child.done;
  const unreadable = complaints.find((line) => /Permission denied|Input\/output error|Stale file handle/.test(line));
  if (unreadable !== undefined) {
    throw new VmmError('invalid_mount', `A part of ${shown} cannot be read: ${unreadable.replace(/^find: /, '')}.`, {
      hint: 'Make it readable, or mount a directory below it.',
    });
  }
  return { bytes: apparent <= largestApparent ? apparent : allocated, inodes };
}

const roundUp = (bytes: number) => Math.ceil(bytes / blockBytes) * blockBytes;

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { labels } from '../../domain/guest-protocol.ts';
import type { Layout } from '../../domain/layout.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';

export interface BaseFile {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly diskBytes: number;
}

const mebibyte = 1024 ** 2;
const blockBytes = 4096;

/** Makes the base file system of a tree, in `scratch` first, and puts it under its digest. */
export async function makeBase(options: {
  readonly runner: CommandRunner;
  readonly layout: Layout;
  readonly tree: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}): Promise<BaseFile> {
  const { runner, layout, tree, scratch, signal } = options;
  const half = `${scratch}/base.ext4`;
  const { bytes, files } = await measure(tree);
  // Room to start in: guests with a disk of their own grow it, overlays never write here.
  const sizeBytes = Math.ceil((bytes * 1.1 + files * 256) / mebibyte + 32) * mebibyte;
  await writeFile(half, '');
  await truncate(half, sizeBytes);
  await runner.run({
    program: 'mkfs.ext4',
    args: [
      ...['-q', '-F', '-L', labels.base, '-b', String(blockBytes), '-i', '8192', '-m', '1'],
      // The file is all zeros: nothing is left for a kernel thread to zero at the first mount.
      ...['-E', 'root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0', '-d', tree, half],
    ],
    timeoutMs: 300_000,
    signal,
  });
  const digest = `sha256:${await sha256(half, signal)}`;
  const target = layout.baseImage(digest);
  await mkdir(dirname(target), { recursive: true });
  const { blocks } = await stat(half);
  await rename(half, target);
  return { digest, sizeBytes, diskBytes: blocks * 512 };
}

/** Blocks and inodes of a tree; links are counted as themselves (Node's own recursive readdir follows them). */
async function measure(dir: string): Promise<{ readonly bytes: number; readonly files: number }> {
  let bytes = 0;
  let files = 0;
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = `${dir}/${entry.name}`;
    const inside = entry.isDirectory() ? await measure(path) : { bytes: 0, files: 0 };
    const size = entry.isFile() ? (await stat(path)).size : 1;
    bytes += Math.ceil(size / blockBytes) * blockBytes + inside.bytes;
    files += 1 + inside.files;
  }
  return { bytes, files };
}

async function sha256(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: mebibyte }), hash, { signal });
  return hash.digest('hex');
}

import { open } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';
import { seedFiles } from '../../domain/guest-protocol.ts';
import type { Layout } from '../../domain/layout.ts';
import type { SeedFile } from '../../ports/volume-store.ts';
import { replaceFile } from './replace-file.ts';
import { storageError } from './storage-error.ts';

/** Not synced to the disk: it is made anew at each start. It holds keys, so it is ours alone to read. */
export async function writeSeed(layout: Layout, vmId: string, files: readonly SeedFile[]): Promise<string> {
  const path = layout.vmSeed(vmId);
  const tar = await packSeed(files);
  try {
    await replaceFile(path, 'atomic', async (partial) => {
      await using handle = await open(partial, 'wx', 0o600);
      await handle.writeFile(tar);
    });
  } catch (error) {
    throw storageError(`The seed ${path} could not be written`, error);
  }
  return path;
}

/** The same files give the same bytes. A tar is whole 512-byte blocks, as the sectors of a drive are. */
async function packSeed(files: readonly SeedFile[]): Promise<Buffer> {
  const tar = pack();
  const magic: SeedFile = { path: seedFiles.magic, content: '1\n', mode: 0o444 };
  // The guest finds its seed among its drives by the first member's name.
  for (const file of [magic, ...files.filter((other) => other.path !== seedFiles.magic)]) {
    const header: Partial<Header> & { name: string } = {
      name: file.path,
      mode: file.mode,
      mtime: new Date(0),
      uid: 0,
      gid: 0,
      type: 'file',
    };
    tar.entry(header, Buffer.from(file.content));
  }
  tar.finalize();
  return buffer(tar);
}

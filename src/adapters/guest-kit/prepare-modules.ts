import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { VmmError } from '../../contract/errors.ts';
import { type ModuleDependencies, parseModulesDep } from './module-order.ts';
import type { PackagedPrograms } from './packaged-programs.ts';

export interface PreparedModules {
  /** The kernel's release, as `uname -r` tells it. */
  readonly release: string;
  /** Folder with the modules of that release. */
  readonly path: string;
  readonly dependencies: ModuleDependencies;
}

/**
 * Unpacks each module, since not every insmod and modprobe of every image can read packed ones, and writes the lists
 * (modules.dep and its like) that Debian leaves to the installing machine.
 */
export async function prepareModules(programs: PackagedPrograms, tree: string, dir: string): Promise<PreparedModules> {
  const source = await modulesFolder(tree);
  const release = basename(source);
  // depmod looks for lib/modules/<release> below the folder it is given.
  await mkdir(`${dir}/lib/modules`, { recursive: true });
  const path = `${dir}/lib/modules/${release}`;
  await rename(source, path);
  await unpackModules(programs, path);
  await programs.run('kmod', ['-b', dir, release], 'depmod');
  return { release, path, dependencies: parseModulesDep(await readFile(`${path}/modules.dep`, 'utf8')) };
}

async function modulesFolder(tree: string): Promise<string> {
  for (const parent of [`${tree}/lib/modules`, `${tree}/usr/lib/modules`]) {
    const [release] = await readdir(parent).catch(() => []);
    if (release !== undefined) return `${parent}/${release}`;
  }
  throw new VmmError('kit_build_failed', 'The kernel package has no modules.');
}

async function unpackModules(programs: PackagedPrograms, path: string): Promise<void> {
  const files = (await readdir(path, { recursive: true })).map((name) => join(path, name));
  for (const file of files) {
    if (file.endsWith('.ko.zst')) await replace(file, zstdDecompressSync(await readFile(file)));
    if (file.endsWith('.ko.gz')) await replace(file, gunzipSync(await readFile(file)));
  }
  const xz = files.filter((file) => file.endsWith('.ko.xz'));
  const batch = 200;
  for (let start = 0; start < xz.length; start += batch) {
    await programs.run('xz', ['-d', ...xz.slice(start, start + batch)]);
  }
}

async function replace(packed: string, content: Uint8Array): Promise<void> {
  await writeFile(packed.replace(/\.(zst|gz)$/, ''), content);
  await rm(packed);
}

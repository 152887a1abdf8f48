import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { earlySets, listText, loadOrder } from './module-order.ts';
import type { PreparedModules } from './prepare-modules.ts';

export interface InitramfsParts {
  readonly initPath: string;
  readonly busyboxPath: string;
  readonly modules: PreparedModules;
}

const folders = ['bin', 'dev', 'modules', 'proc', 'root', 'run', 'sys'];

/**
 * init, busybox and the drivers needed before the kit's drive can be read; all else lies on that drive. It is left
 * unpacked: 3 MB are copied faster than the guest could unpack them.
 */
export async function buildInitramfs({ initPath, busyboxPath, modules }: InitramfsParts): Promise<Buffer> {
  const lists: CpioEntry[] = [];
  const drivers = new Map<string, CpioEntry>();
  for (const [set, names] of Object.entries(earlySets)) {
    const order = loadOrder(modules.dependencies, names);
    lists.push(file(`modules/${set}.list`, Buffer.from(listText(order.map((path) => basename(path)))), 0o644));
    for (const path of order) {
      const content = await readFile(`${modules.path}/${path}`);
      drivers.set(path, file(`modules/${basename(path)}`, content, 0o644));
    }
  }
  return writeCpio([
    ...folders.map((path) => ({ kind: 'directory', path }) as const),
    file('init', await readFile(initPath), 0o755),
    file('bin/busybox', await readFile(busyboxPath), 0o755),
    ...lists,
    ...drivers.values(),
  ]);
}

function file(path: string, content: Uint8Array, mode: number): CpioEntry {
  return { kind: 'file', path, content, mode };
}

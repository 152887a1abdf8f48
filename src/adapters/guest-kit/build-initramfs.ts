import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { earlySets, loadOrder } from './module-order.ts';
import type { PreparedModules } from './prepare-modules.ts';

export interface InitramfsParts {
  readonly initPath: string;
  readonly busyboxPath: string;
  readonly applets: readonly string[];
  readonly modules: PreparedModules;
}

const folders = ['bin', 'dev', 'modules', 'proc', 'root', 'run', 'sys'];

/**
 * init, busybox and the drivers needed before the kit's drive can be read; all else lies on that drive. It is left
 * unpacked: 3 MB are copied faster than the guest could unpack them.
 */
export async function buildInitramfs({ initPath, busyboxPath, applets, modules }: InitramfsParts): Promise<Buffer> {
  const drivers: CpioEntry[] = [];
  const loaded = new Set<string>();
  for (const [set, names] of Object.entries(earlySets)) {
    const order = loadOrder(modules.dependencies, names, loaded);
    for (const module of order) {
      loaded.add(module);
      drivers.push(file(`modules/${basename(module)}`, await readFile(`${modules.path}/${module}`), 0o644));
    }
    drivers.push(file(`modules/${set}.list`, Buffer.from(listText(order.map((module) => basename(module)))), 0o644));
  }
  return writeCpio([
    ...folders.map((path) => ({ kind: 'directory', path }) as const),
    file('init', await readFile(initPath), 0o755),
    file('bin/busybox', await readFile(busyboxPath), 0o755),
    ...applets.map((applet) => ({ kind: 'link', path: `bin/${applet}`, target: 'busybox' }) as const),
    ...drivers,
  ]);
}

/** One module a line, as guest/init reads it. */
export function listText(modules: readonly string[]): string {
  return modules.map((module) => `${module}\n`).join('');
}

function file(path: string, content: Uint8Array, mode: number): CpioEntry {
  return { kind: 'file', path, content, mode };
}

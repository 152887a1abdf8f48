/** The sets of drivers that guest/init and guest/setup load, each by the names of its modules. */
export const earlySets = {
  pci: ['virtio_pci'],
  block: ['virtio_mmio', 'virtio_blk', 'ext4'],
  net: ['virtio_net'],
  console: ['virtio_console'],
  overlay: ['overlay'],
} as const;
/** Loaded in the image's root, from the kit's drive. */
export const lateSets = {
  console: ['virtio_console'],
  virtiofs: ['virtiofs'],
  button: ['button', 'evdev', 'virtio-rng'],
} as const;

export type ModuleDependencies = ReadonlyMap<string, readonly string[]>;

/** modules.dep(5): `path: dependency …`, the ones to load first standing last. */
export function parseModulesDep(text: string): ModuleDependencies {
  const entries = text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => {
      const [path = '', rest = ''] = line.split(':', 2);
      return [
        path,
        rest
          .split(' ')
          .filter((word) => word !== '')
          .reverse(),
      ] as const;
    });
  return new Map(entries);
}

/**
 * Paths of the modules of a set, in the order in which insmod must have them. A driver that is built into the kernel,
 * or that this kernel lacks, has no module and is left out.
 */
export function loadOrder(dependencies: ModuleDependencies, names: readonly string[]): string[] {
  const order = new Set<string>();
  for (const name of names) {
    for (const [path, before] of dependencies) {
      if (moduleName(path) === moduleName(name)) for (const module of [...before, path]) order.add(module);
    }
  }
  return [...order];
}

/** One `name path` a line, as guest/init and guest/setup read it. The name is that of the folder in /sys/module. */
export function listText(paths: readonly string[]): string {
  return paths.map((path) => `${moduleName(path)} ${path}\n`).join('');
}

/** A module's name has an underscore where its file may have a dash. */
function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko$/, '')
    .replaceAll('-', '_');
}

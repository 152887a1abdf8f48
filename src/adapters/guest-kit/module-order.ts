/** The sets of drivers that guest/init and guest/setup load, each by the names of its modules. */
export const earlySets = {
  block: ['virtio_mmio', 'virtio_pci', 'virtio_blk', 'ext4'],
  net: ['virtio_net'],
  console: ['virtio_console', 'virtio-rng'],
  overlay: ['overlay'],
} as const;
/** Loaded in the image's root, from the kit's drive. */
export const lateSets = {
  virtiofs: ['virtiofs'],
  button: ['button', 'evdev'],
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
 * or that this kernel lacks, has no module and is left out. `loaded` holds what an earlier set loads already.
 */
export function loadOrder(
  dependencies: ModuleDependencies,
  names: readonly string[],
  loaded: ReadonlySet<string>,
): string[] {
  const order = new Set<string>();
  for (const name of names) {
    for (const [path, before] of dependencies) {
      if (!isModule(path, name)) continue;
      for (const module of [...before, path]) if (!loaded.has(module)) order.add(module);
    }
  }
  return [...order];
}

/** A module's name has - and _ alike. */
function isModule(path: string, name: string): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(/\.ko$/, '');
  return base.replaceAll('-', '_') === name.replaceAll('-', '_');
}

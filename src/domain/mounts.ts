import { VmmError } from '../contract/errors.ts';
import type { Mount } from '../contract/resources/vm.ts';

/** Throws invalid_mount when two tags are equal or one source lies inside another. `source`s are resolved paths. */
export function assertMountsFit(mounts: readonly Mount[]): void {
  for (const [index, mount] of mounts.entries()) {
    for (const other of mounts.slice(0, index)) {
      if (mount.tag === other.tag) {
        throw new VmmError('invalid_mount', `The mount tag ${mount.tag} is given twice.`, {
          hint: 'Give each mount a tag of its own: --mount /path:other-tag',
        });
      }
      if (isInside(mount.source, other.source) || isInside(other.source, mount.source)) {
        throw new VmmError(
          'invalid_mount',
          `The mounts ${other.tag} and ${mount.tag} overlap: ${other.source} and ${mount.source}.`,
          {
            hint: 'Mount the outer directory alone',
          },
        );
      }
    }
  }
}

export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Copies are /dev/vdb, vdc … in the order given, as in the spec; live mounts have no device. */
export function mountDevices(mounts: readonly Mount[]): ReadonlyMap<string, string> {
  const copies = mounts.filter((mount) => mount.kind === 'copy');
  return new Map(copies.map((mount, index) => [mount.tag, `vd${String.fromCharCode('b'.charCodeAt(0) + index)}`]));
}

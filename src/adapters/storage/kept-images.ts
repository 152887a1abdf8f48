import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import type { Layout } from '../../domain/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import { removeMark } from './mount-mark.ts';
import { storageError, systemCode } from './storage-error.ts';

/** A time in UTC, with a number where two fall together. It comes back from users, so nothing else is taken for a name. */
const keptName = /^\d{8}T\d{6}Z(-\d{1,6})?$/;

/** Tags have no dot, so no tag's image can be taken for a kept copy of another. */
export function keptPath(layout: Layout, vmId: string, tag: string, kept: string): string {
  if (!keptName.test(kept)) {
    throw new VmmError('mount_not_found', `There is no kept copy "${kept.slice(0, 80)}" of mount ${tag}.`, {
      hint: 'See the kept copies: vmm mount list <name>',
    });
  }
  return join(layout.vmMounts(vmId), `${tag}.kept-${kept}.ext4`);
}

/** Moves the image aside, out of the way of a new one. */
export async function keepMountImage(layout: Layout, clock: Clock, vmId: string, tag: string): Promise<string> {
  const time = clock
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  try {
    for (let count = 1; ; count++) {
      const kept = count === 1 ? time : `${time}-${count}`;
      const path = keptPath(layout, vmId, tag, kept);
      if (await exists(path)) continue;
      await rename(layout.mountImage(vmId, tag), path);
      await removeMark(layout, vmId, tag);
      return kept;
    }
  } catch (error) {
    throw storageError(`The image of mount ${tag} could not be moved aside`, error);
  }
}

/** Oldest first. */
export async function listKept(layout: Layout, vmId: string, tag: string): Promise<readonly string[]> {
  const prefix = `${tag}.kept-`;
  const names = await readdir(layout.vmMounts(vmId)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError(`The kept copies of mount ${tag} could not be listed`, error);
  });
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith('.ext4'))
    .map((name) => name.slice(prefix.length, -'.ext4'.length))
    .filter((kept) => keptName.test(kept))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

export async function removeKept(layout: Layout, vmId: string, tag: string, kept: string): Promise<void> {
  await rm(keptPath(layout, vmId, tag, kept), { force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

import { readdir, rm, statfs } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { Layout } from '../../domain/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { VolumeStore } from '../../ports/volume-store.ts';
import { createDisk } from './create-disk.ts';
import { createMountImage } from './create-mount-image.ts';
import { growDisk } from './grow-disk.ts';
import { keepMountImage, keptPath, listKept, removeKept } from './kept-images.ts';
import { hasWrites, markPulled, removeMark } from './mount-mark.ts';
import { storageError, systemCode } from './storage-error.ts';
import { writeSeed } from './write-seed.ts';

interface Deps {
  readonly runner: CommandRunner;
  readonly layout: Layout;
  readonly clock: Clock;
}

export function createVolumeStore({ runner, layout, clock }: Deps): VolumeStore {
  return {
    createDisk: (options) => createDisk({ runner, layout }, options),
    growDisk,
    createMountImage: (options) => createMountImage({ runner, layout }, options),
    mountImagePath: (vmId, tag) => layout.mountImage(vmId, tag),
    mountHasWrites: (vmId, tag) => hasWrites(layout, vmId, tag),
    markPulled: (vmId, tag) => markPulled(layout, vmId, tag),
    keepMountImage: (vmId, tag) => keepMountImage(layout, clock, vmId, tag),
    listKept: (vmId, tag) => listKept(layout, vmId, tag),
    keptPath: (vmId, tag, kept) => keptPath(layout, vmId, tag, kept),
    removeKept: (vmId, tag, kept) => removeKept(layout, vmId, tag, kept),
    async removeMount(vmId, tag) {
      await rm(layout.mountImage(vmId, tag), { force: true });
      await removeMark(layout, vmId, tag);
    },
    writeSeed: (vmId, files) => writeSeed(layout, vmId, files),
    removeSeed: (vmId) => rm(layout.vmSeed(vmId), { force: true }),
    async removeVm(vmId) {
      // An empty or relative id would name the folder of all VMs.
      if (!/^[A-Za-z0-9_-]+$/.test(vmId)) throw new VmmError('internal', `"${vmId}" is no VM id.`);
      try {
        await rm(layout.vmDir(vmId), { recursive: true, force: true });
        await rm(layout.vmMounts(vmId), { recursive: true, force: true });
      } catch (error) {
        throw storageError(`The files of VM ${vmId} could not be removed`, error);
      }
    },
    async listVmIds() {
      const ids = [...(await foldersIn(layout.vms)), ...(await foldersIn(layout.mounts))];
      return [...new Set(ids)].sort();
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(layout.root);
      return bavail * bsize;
    },
  };
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError(`The folder ${path} could not be listed`, error);
  }
}

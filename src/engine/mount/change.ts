import { VmmError } from '../../contract/errors.ts';
import type { Mount, MountView } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Context } from '../context.ts';
import { changeSpec, changeSpecLocked } from '../vm/change-spec.ts';
import { findVm } from '../vm/find.ts';
import { findMount, viewMount } from './views.ts';

/** Adds a mount; the guest sees it from the next start on. */
export async function addMount(context: Context, name: string, mount: Mount): Promise<MountView> {
  const vm = await changeSpec(context, name, (spec) => ({ ...spec, mounts: [...spec.mounts, mount] }));
  return viewMount(context, vm, mount);
}

/** Removes a mount and its image. Throws mount_has_changes when the guest's writes were never pulled, unless forced. */
export async function removeMount(context: Context, name: string, tag: string, force: boolean): Promise<void> {
  const found = findVm(context, name);
  await using _lock = await context.locks.take(found.vm.id, name, 'remove a mount of');
  const { vm } = findVm(context, name);
  findMount(vm, tag);
  assertMay('removeMount', vm);
  const view = await viewMount(context, vm, findMount(vm, tag));
  if (!force && (view.unpulledWrites || view.kept.length > 0)) {
    throw new VmmError('mount_has_changes', `The guest wrote to mount ${tag} of VM ${name}, and nobody pulled it.`, {
      hint: `vmm mount pull ${name} ${tag}, or throw it away: vmm mount remove --force ${name} ${tag}`,
    });
  }
  await changeSpecLocked(context, name, (spec) => ({
    ...spec,
    mounts: spec.mounts.filter((mount) => mount.tag !== tag),
  }));
  for (const kept of view.kept) await context.volumes.removeKept(vm.id, tag, kept);
  await context.volumes.removeMount(vm.id, tag);
}

import { VmmError } from '../../contract/errors.ts';
import type { Mount, MountView, Vm } from '../../contract/resources/vm.ts';
import { mountDevices } from '../../domain/mounts.ts';
import type { Context } from '../context.ts';

/** The mounts of a VM as people see them. */
export async function viewMounts(context: Context, vm: Vm): Promise<MountView[]> {
  return Promise.all(vm.spec.mounts.map((mount) => viewMount(context, vm, mount)));
}

export async function viewMount(context: Context, vm: Vm, mount: Mount): Promise<MountView> {
  const { tag, source, mode, kind } = mount;
  const device = mountDevices(vm.spec.mounts).get(tag);
  return {
    tag,
    source,
    target: `/mnt/${tag}`,
    mode,
    kind,
    device: device === undefined ? 'virtiofs' : `/dev/${device}`,
    unpulledWrites: kind === 'copy' && mode === 'rw' && (await context.volumes.mountHasWrites(vm.id, tag)),
    kept: [...(await context.volumes.listKept(vm.id, tag))],
  };
}

/** Throws mount_not_found. */
export function findMount(vm: Vm, tag: string): Mount {
  const mount = vm.spec.mounts.find((candidate) => candidate.tag === tag);
  if (mount !== undefined) return mount;
  throw new VmmError('mount_not_found', `VM ${vm.name} has no mount ${tag}.`, { hint: `vmm mount list ${vm.name}` });
}

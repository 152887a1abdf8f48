import { vmKernelArgs } from '../../domain/guest-protocol.ts';
import { seedContents } from '../../domain/seed.ts';
import type { Kit } from '../../ports/guest-kit.ts';
import type { Drive } from '../../ports/hypervisor.ts';
import type { VmRow } from '../../ports/state-store.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { ensureOwnKey, readAuthorizedKey } from '../host/own-key.ts';
import { refreshMount } from '../mount/refresh.ts';
import type { Address } from './address.ts';

/**
 * Everything the guest will find on its drives, made anew: mount images from the host's directories, the seed. All of it
 * lies in the VM's own folders and is written whole or not at all, so a start that fails here has nothing to undo.
 */
export async function prepareDrives(
  context: Context,
  row: VmRow,
  kit: Kit,
  network: Address & { readonly mtu: number },
  reporter: Reporter,
): Promise<{ drives: Drive[]; kernelArgs: string[] }> {
  const { vm, disk } = row;
  const copies = vm.spec.mounts.filter(({ kind }) => kind === 'copy');
  for (const mount of copies) {
    reporter.onProgress({ step: 'mounts', message: `Copying ${mount.source} to mount ${mount.tag}` });
    await refreshMount(context, vm, mount, reporter);
  }
  await ensureOwnKey(context);
  const seedPath = await context.volumes.writeSeed(
    vm.id,
    seedContents({
      name: vm.name,
      machineId: row.machineId,
      hostPrivateKey: row.hostPrivateKey,
      hostPublicKey: row.hostPublicKey,
      authorizedKeys: [readAuthorizedKey(context), ...vm.spec.sshKeys],
      dns: vm.spec.dns,
      network: {
        address: network.ip,
        prefix: network.prefix,
        gateway: network.gateway,
        mac: network.mac,
        mtu: network.mtu,
      },
      mounts: vm.spec.mounts,
      image: row.imageConfig,
    }),
  );
  if (copies.length > 0)
    emit(context, 'mount.synced', vm.name, `${copies.length} mounts of ${vm.name} were copied from the host.`);
  const overlay = disk.kind === 'overlay';
  const drives: Drive[] = [
    { id: 'root', path: disk.path, readOnly: false },
    ...copies.map(({ tag, mode }, index) => ({
      id: `mount${index}`,
      path: context.volumes.mountImagePath(vm.id, tag),
      readOnly: mode === 'ro',
    })),
    ...(overlay ? [{ id: 'base', path: context.images.basePath(row.baseDigest), readOnly: true }] : []),
    { id: 'seed', path: seedPath, readOnly: true },
    { id: 'modules', path: kit.modulesPath, readOnly: true },
  ];
  return { drives, kernelArgs: vmKernelArgs(overlay ? 'overlay' : 'disk') };
}

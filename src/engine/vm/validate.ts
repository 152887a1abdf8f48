import { VmmError } from '../../contract/errors.ts';
import type { Mount, VmSpec } from '../../contract/resources/vm.ts';
import { contains, parseSubnet } from '../../domain/addresses.ts';
import { assertNoCollision, collide, showForward } from '../../domain/forwards.ts';
import { assertMountsFit, isInside } from '../../domain/mounts.ts';
import { assertFits } from '../../domain/resources.ts';
import { parsePublicKeys } from '../../domain/ssh-keys.ts';
import type { Context } from '../context.ts';

/** Checks what a user asked for against the host and the other VMs. `vmId`: the VM itself, which is no conflict. */
export async function validateSpec(context: Context, spec: VmSpec, vmId: string | undefined): Promise<void> {
  assertFits(spec, {
    cpus: context.host.cpus(),
    memoryMiB: context.host.memoryMiB(),
    maxCpus: Math.max(...context.hypervisors.map(({ capabilities }) => capabilities.maxCpus)),
  });
  for (const key of spec.sshKeys) parsePublicKeys(key);
  assertKernel(spec);
  assertEngine(context, spec);
  if (spec.userData !== undefined) {
    throw new VmmError('not_supported', '--user-data (cloud-init) is not supported by this version.', {
      hint: 'Run the commands after the start: vmm exec NAME -- …',
    });
  }
  assertAddress(context, spec, vmId);
  assertForwards(context, spec, vmId);
  await validateMounts(context, spec.mounts);
}

function assertKernel(spec: VmSpec): void {
  if (spec.kernel === 'default') return;
  throw new VmmError('kernel_not_found', `There is no kernel named ${spec.kernel}.`, {
    hint: 'Leave --kernel out for the default kernel',
  });
}

function assertEngine(context: Context, spec: VmSpec): void {
  const names = context.hypervisors.map(({ name }) => name);
  if (spec.engine === 'auto' || names.includes(spec.engine)) return;
  throw new VmmError('not_supported', `This version has no engine ${spec.engine}.`, {
    hint: `Use --engine auto or ${names.join(', ')}`,
  });
}

function assertAddress(context: Context, spec: VmSpec, vmId: string | undefined): void {
  if (spec.ip === undefined) return;
  const subnet = parseSubnet(context.settings.subnet);
  if (!contains(subnet, spec.ip)) {
    throw new VmmError('invalid_input', `${spec.ip} is no guest address of ${subnet.cidr}.`, {
      hint: `The bridge itself has ${subnet.gateway}`,
    });
  }
  const owner = context.store
    .listVms()
    .find(({ vm }) => vm.id !== vmId && (vm.spec.ip === spec.ip || vm.status.ip === spec.ip));
  if (owner !== undefined) {
    throw new VmmError('address_in_use', `${spec.ip} belongs to VM ${owner.vm.name}.`, {
      hint: 'Choose another address, or leave --ip out',
    });
  }
}

function assertForwards(context: Context, spec: VmSpec, vmId: string | undefined): void {
  const others = context.store.listVms().filter(({ vm }) => vm.id !== vmId);
  for (const [index, forward] of spec.forwards.entries()) {
    if (spec.forwards.slice(0, index).some((earlier) => collide(earlier, forward))) {
      throw new VmmError('port_in_use', `Host port ${showForward(forward)} is given twice.`, {
        hint: 'Choose another host port for one of them',
      });
    }
    assertNoCollision(
      forward,
      others.map(({ vm }) => ({ name: vm.name, forwards: vm.spec.forwards })),
    );
  }
}

/** Throws invalid_mount. Symlinks are resolved by the caller's word once, here, so that nested mounts are seen. */
export async function validateMounts(context: Context, mounts: readonly Mount[]): Promise<void> {
  const resolved: Mount[] = [];
  for (const mount of mounts) {
    await assertDirectory(context, mount);
    const source = await context.host.realPath(mount.source);
    if (isInside(context.settings.layout.root, source)) {
      throw new VmmError(
        'invalid_mount',
        `${mount.source} holds vmm's own data directory ${context.settings.layout.root}.`,
        {
          hint: 'Mount a directory below it or beside it',
        },
      );
    }
    resolved.push({ ...mount, source });
  }
  assertMountsFit(resolved);
  if (
    mounts.some(({ kind }) => kind === 'live') &&
    !context.hypervisors.some(({ capabilities }) => capabilities.liveMounts)
  ) {
    throw new VmmError('not_supported', 'No engine of this host has live mounts.', {
      hint: 'Leave `live` out of --mount for a copy',
    });
  }
}

async function assertDirectory(context: Context, { source, tag }: Mount): Promise<void> {
  const kind = await context.host.pathKind(source);
  if (kind === 'directory') return;
  const why = { file: 'is a file', missing: 'does not exist', unreadable: 'cannot be read' }[kind];
  throw new VmmError('invalid_mount', `The mount ${tag} cannot be made: ${source} ${why}.`, {
    hint: kind === 'missing' ? `mkdir -p ${source}` : 'Give the absolute path of a directory on the host',
  });
}

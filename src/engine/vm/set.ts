import { VmmError } from '../../contract/errors.ts';
import type { ParsedInput } from '../../contract/operations.ts';
import type { Vm, VmSpec } from '../../contract/resources/vm.ts';
import { assertMay, may } from '../../domain/transitions.ts';
import type { Context } from '../context.ts';
import { claims } from '../locks.ts';
import { changeSpecLocked } from './change-spec.ts';
import { findVm } from './find.ts';

/** Changes settings. What a running guest cannot be given takes effect at its next start, and that is told. */
export async function setVm(
  context: Context,
  name: string,
  patch: ParsedInput<'vm.set'>,
  signal: AbortSignal,
): Promise<{ vm: Vm; notices: string[] }> {
  const { vm: before } = findVm(context, name);
  await using _lock = await context.locks.take(before.id, name, 'change');
  await using _claims = await context.locks.wait(claims, 'change');
  const { vm } = findVm(context, name);
  if (patch.diskMiB !== undefined && patch.diskMiB !== vm.spec.diskMiB) assertGrows(vm, patch.diskMiB);
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  // Every key of a patch is a key of the spec with the same type (contract/operations.ts), and none is undefined now.
  const changed = await changeSpecLocked(
    context,
    name,
    (spec) => ({ ...spec, ...given }) as VmSpec,
    (spec) => growDisk(context, name, spec, signal),
  );
  const live = new Set(['autostart', 'labels']);
  const later = Object.keys(given).filter((key) => !live.has(key));
  const running = !may('start', changed.status.phase);
  return {
    vm: changed,
    notices:
      running && later.length > 0
        ? [`VM ${name} is ${changed.status.phase}: ${later.join(', ')} will change at its next start.`]
        : [],
  };
}

function assertGrows(vm: Vm, diskMiB: number): void {
  if (diskMiB < vm.spec.diskMiB) {
    throw new VmmError(
      'invalid_input',
      `The disk of VM ${vm.name} has ${vm.spec.diskMiB} MiB and cannot shrink to ${diskMiB}.`,
      {
        hint: `--disk ${vm.spec.diskMiB} or more`,
      },
    );
  }
  assertMay('resizeDisk', vm);
}

async function growDisk(context: Context, name: string, { diskMiB }: VmSpec, signal: AbortSignal): Promise<void> {
  const row = findVm(context, name);
  const sizeBytes = diskMiB * 2 ** 20;
  if (sizeBytes <= row.disk.sizeBytes) return;
  const disk = await context.volumes.growDisk(row.disk, sizeBytes, signal);
  context.store.updateVm({ ...findVm(context, name), disk });
}

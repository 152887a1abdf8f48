import { VmmError } from '../../contract/errors.ts';
import type { Vm, VmStatus } from '../../contract/resources/vm.ts';
import type { VmRow } from '../../ports/state-store.ts';
import type { Context } from '../context.ts';

/** Throws vm_not_found, with the nearest names where there are any. */
export function findVm(context: Context, name: string): VmRow {
  const row = context.store.findVm(name);
  if (row !== undefined) return row;
  const names = context.store.listVms().map(({ vm }) => vm.name);
  const near = names.filter((other) => name.length >= 3 && other.startsWith(name.slice(0, 3))).slice(0, 3);
  throw new VmmError('vm_not_found', `There is no VM named ${name}.`, {
    hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'See them all: vmm list',
  });
}

/** Writes a changed status; what is not named stays, and `undefined` removes. Returns the new VM. */
export function setStatus(
  context: Context,
  vmId: string,
  change: { [K in keyof VmStatus]?: VmStatus[K] | undefined },
): Vm | undefined {
  const row = context.store.findVmById(vmId);
  if (row === undefined) return undefined;
  const merged = Object.fromEntries(
    Object.entries({ ...row.vm.status, ...change }).filter(([, value]) => value !== undefined),
  );
  // Only values were replaced or optional keys dropped, and `phase` and `ready` are never optional.
  const vm: Vm = { ...row.vm, status: merged as VmStatus };
  context.store.updateVm({ ...row, vm });
  return vm;
}

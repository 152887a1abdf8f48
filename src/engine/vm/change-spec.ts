import type { Vm, VmSpec } from '../../contract/resources/vm.ts';
import { type Context, emit } from '../context.ts';
import { findVm } from './find.ts';
import { validateSpec } from './validate.ts';

/** Changes what the user asked for, checked as a whole. */
export async function changeSpec(context: Context, name: string, change: (spec: VmSpec) => VmSpec): Promise<Vm> {
  const { vm } = findVm(context, name);
  await using _lock = await context.locks.take(vm.id, name, 'change');
  return await changeSpecLocked(context, name, change);
}

/** The same, for whoever holds the VM's lock already. `apply` changes the host, between the checks and the record: when it fails nothing is recorded. */
export async function changeSpecLocked(
  context: Context,
  name: string,
  change: (spec: VmSpec) => VmSpec,
  apply: (spec: VmSpec) => Promise<void> = async () => undefined,
): Promise<Vm> {
  const spec = change(findVm(context, name).vm.spec);
  await validateSpec(context, spec, findVm(context, name).vm.id);
  await apply(spec);
  // Read again: the status may have moved while the host was looked at and changed.
  const row = findVm(context, name);
  const vm = { ...row.vm, spec };
  context.store.updateVm({ ...row, vm });
  emit(context, 'vm.changed', name, `The settings of VM ${name} were changed.`);
  return vm;
}

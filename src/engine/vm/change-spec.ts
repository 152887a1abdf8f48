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

/** The same, for whoever holds the VM's lock already. */
export async function changeSpecLocked(context: Context, name: string, change: (spec: VmSpec) => VmSpec): Promise<Vm> {
  const spec = change(findVm(context, name).vm.spec);
  await validateSpec(context, spec, findVm(context, name).vm.id);
  // Read again: the status may have moved while the checks looked at the host.
  const row = findVm(context, name);
  const vm = { ...row.vm, spec };
  context.store.updateVm({ ...row, vm });
  emit(context, 'vm.changed', name, `The settings of VM ${name} were changed.`);
  return vm;
}

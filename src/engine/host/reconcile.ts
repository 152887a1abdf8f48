import type { Vm } from '../../contract/resources/vm.ts';
import type { VmmRecord } from '../../ports/hypervisor.ts';
import { type Context, emit } from '../context.ts';
import { undoOpenSagas } from '../saga/undo-open.ts';
import { endRun } from '../vm/end-run.ts';
import { setStatus } from '../vm/find.ts';
import { bootAgain } from '../vm/start.ts';
import { memberOf } from '../vm/start-steps.ts';
import { watch } from '../vm/watch.ts';
import { inBackground } from './background.ts';

/**
 * Makes host and state agree after a daemon's end, whatever ended it: what was in the middle is undone or finished,
 * running VMs are adopted, ended ones are cleaned up after, files of no VM are removed.
 */
export async function reconcile(context: Context, signal: AbortSignal): Promise<void> {
  await undoOpenSagas(context);
  await removeStrayFiles(context);
  await adoptVms(context);
  await inBackground(context, 'host', () => restoreNetwork(context, signal));
}

async function adoptVms(context: Context): Promise<void> {
  for (const { vm, record } of context.store.listVms()) {
    if (record === undefined) {
      if (vm.status.phase !== 'stopped' && vm.status.phase !== 'failed')
        setStatus(context, vm.id, { phase: 'stopped', ready: false, pid: undefined, tap: undefined });
      continue;
    }
    // One VM that cannot be taken over or cleaned up after holds up no other, and not the daemon.
    await inBackground(context, vm.name, () => adoptVm(context, vm, record));
  }
}

async function adoptVm(context: Context, vm: Vm, record: VmmRecord): Promise<void> {
  const hypervisor = context.hypervisors.find(({ name }) => name === record.engine);
  const handle = await hypervisor?.adopt(record);
  if (handle === undefined) {
    const exit = await hypervisor?.inquest(record);
    await endRun(context, vm.id, exit ?? { cause: 'unknown', detail: `this version has no engine ${record.engine}` });
    return;
  }
  setStatus(context, vm.id, { phase: 'running' });
  watch(context, vm.id, handle, (name) => bootAgain(context, name));
  emit(context, 'vm.adopted', vm.name, `VM ${vm.name} runs on (pid ${record.process.pid}).`);
}

async function restoreNetwork(context: Context, signal: AbortSignal): Promise<void> {
  const members = context.store
    .listVms()
    .filter(({ record }) => record !== undefined)
    .map((row) => memberOf(row))
    .filter((member) => member !== undefined);
  // With no VM there is nothing to hold up, and a host without nft must still be able to list and delete.
  if (members.length === 0) return context.network.teardown(signal).catch(() => undefined);
  for (const notice of await context.network.reconcile(members, signal)) emit(context, 'host.changed', 'host', notice);
}

async function removeStrayFiles(context: Context): Promise<void> {
  for (const vmId of await context.volumes.listVmIds()) {
    if (context.store.findVmById(vmId) === undefined) await context.volumes.removeVm(vmId);
  }
}

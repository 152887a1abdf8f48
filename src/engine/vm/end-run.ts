import { tapFor } from '../../domain/addresses.ts';
import type { VmExit } from '../../ports/hypervisor.ts';
import { type Context, emit } from '../context.ts';
import { setStatus } from './find.ts';
import { clearRecord, memberOf, tearDownWhenUnused } from './start-steps.ts';

const deadlineMs = 30_000;

/** Cleans the host after a run's end, whatever ended it, and records why. Idempotent. The caller holds the VM's lock. */
export async function endRun(context: Context, vmId: string, exit: VmExit): Promise<void> {
  const row = context.store.findVmById(vmId);
  if (row?.record === undefined) return;
  context.handles.get(vmId)?.detach();
  context.handles.delete(vmId);
  await clearRecord(context, row.record);
  const member = memberOf(row);
  if (member !== undefined) await context.network.removeMember(member, AbortSignal.timeout(deadlineMs));
  await context.network.removeTap(tapFor(vmId), AbortSignal.timeout(deadlineMs));
  // It holds the guest's private keys; the next start makes its own.
  await context.volumes.removeSeed(vmId);
  recordEnd(context, vmId, exit);
  emit(
    context,
    'vm.stopped',
    row.vm.name,
    `VM ${row.vm.name} ended: ${exit.cause}${exit.detail === undefined ? '' : ` (${exit.detail})`}.`,
  );
  await tearDownWhenUnused(context);
}

/** In one transaction: a run without a record is no run, whatever its phase says. */
function recordEnd(context: Context, vmId: string, exit: VmExit): void {
  context.store.transaction(() => {
    setStatus(context, vmId, {
      phase: 'stopped',
      ready: false,
      pid: undefined,
      tap: undefined,
      error: undefined,
      stoppedAt: context.clock.now().toISOString(),
      exitCause: exit.cause,
      exitDetail: exit.detail,
    });
    const row = context.store.findVmById(vmId);
    if (row !== undefined) context.store.updateVm({ ...row, record: undefined });
  });
}

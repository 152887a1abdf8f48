import { tapFor } from '../../domain/addresses.ts';
import type { VmExit } from '../../ports/hypervisor.ts';
import { type Context, emit } from '../context.ts';
import { setStatus } from './find.ts';
import { clearRecord, memberOf } from './start-steps.ts';

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
  context.store.updateVm({ ...row, record: undefined });
  setStatus(context, vmId, {
    phase: 'stopped',
    ready: false,
    pid: undefined,
    tap: undefined,
    stoppedAt: context.clock.now().toISOString(),
    exitCause: exit.cause,
    exitDetail: exit.detail,
  });
  emit(
    context,
    'vm.stopped',
    row.vm.name,
    `VM ${row.vm.name} ended: ${exit.cause}${exit.detail === undefined ? '' : ` (${exit.detail})`}.`,
  );
  if (context.handles.size === 0) await tearDownWhenUnused(context);
}

/** The bridge and the tables go with the last VM. */
async function tearDownWhenUnused(context: Context): Promise<void> {
  const used = context.store.listVms().some(({ vm, record }) => record !== undefined || vm.status.phase === 'starting');
  if (!used) await context.network.teardown(AbortSignal.timeout(deadlineMs));
}

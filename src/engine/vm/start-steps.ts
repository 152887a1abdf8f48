import { z } from 'zod';
import { tapFor } from '../../domain/addresses.ts';
import type { NetworkMember } from '../../ports/host-network.ts';
import type { VmmRecord } from '../../ports/hypervisor.ts';
import type { VmRow } from '../../ports/state-store.ts';
import type { Context } from '../context.ts';
import { inBackground } from '../host/background.ts';
import type { UndoTable } from '../saga/undo.ts';
import { setStatus } from './find.ts';

export type StartStep = 'phase' | 'tap' | 'rules' | 'vmm';

/** Undoing has its own, short patience: the signal of what failed has fired already. */
const undoDeadlineMs = 30_000;

/** What each step of a start leaves on the host, and how it goes away. All accept "already gone". */
export const startUndo: UndoTable<StartStep> = {
  phase: async (context, data) => {
    setStatus(context, idOf(data), { phase: 'stopped', ready: false, pid: undefined, tap: undefined });
    await tearDownWhenUnused(context);
  },
  tap: async (context, data) => context.network.removeTap(tapFor(idOf(data)), AbortSignal.timeout(undoDeadlineMs)),
  rules: async (context, data) => {
    const row = context.store.findVmById(idOf(data));
    const member = row === undefined ? undefined : memberOf(row);
    if (member !== undefined) await context.network.removeMember(member, AbortSignal.timeout(undoDeadlineMs));
  },
  vmm: async (context, data) => {
    const { vmId, record } = vmmData.parse(data);
    context.handles.get(vmId)?.detach();
    context.handles.delete(vmId);
    if (record !== undefined) await clearRecord(context, record);
    await context.volumes.removeSeed(vmId);
    for (const hypervisor of context.hypervisors) await hypervisor.sweep(context.settings.layout.vmRuntime(vmId));
    const row = context.store.findVmById(vmId);
    if (row !== undefined) context.store.updateVm({ ...row, record: undefined });
  },
};

/** `data` of the last step. The record is the journal's own copy, written by `VmmRecord`s alone. */
const vmmData = z.object({
  vmId: z.string(),
  record: z.custom<VmmRecord>((value) => typeof value === 'object' && value !== null).optional(),
});

function idOf(data: unknown): string {
  return z.string().parse(data);
}

export async function clearRecord(context: Context, record: VmmRecord): Promise<void> {
  const hypervisor = context.hypervisors.find(({ name }) => name === record.engine);
  await hypervisor?.clear(record);
}

/**
 * The bridge and the tables go with the last VM. A VM counts from the moment its start is recorded, which is before it
 * looks for the bridge: so the bridge never goes under a start. A bridge that stays harms nobody; the next end or
 * reconcile tries again.
 */
export async function tearDownWhenUnused(context: Context): Promise<void> {
  const used = context.store.listVms().some(({ vm, record }) => record !== undefined || vm.status.phase === 'starting');
  if (used) return;
  await inBackground(context, 'host', () => context.network.teardown(AbortSignal.timeout(undoDeadlineMs)));
}

/** The VM as the network sees it, once it has an address. */
export function memberOf({ vm }: Pick<VmRow, 'vm'>): NetworkMember | undefined {
  const { ip, mac } = vm.status;
  if (ip === undefined || mac === undefined) return undefined;
  return { vmId: vm.id, name: vm.name, tap: tapFor(vm.id), mac, ip, forwards: vm.spec.forwards };
}

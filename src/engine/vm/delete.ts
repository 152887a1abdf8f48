import { z } from 'zod';
import { VmmError } from '../../contract/errors.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import { type Context, emit } from '../context.ts';
import { releaseBase } from '../image/release-base.ts';
import { claims } from '../locks.ts';
import { runSaga } from '../saga/run.ts';
import type { UndoTable } from '../saga/undo.ts';
import { findVm } from './find.ts';
import { stopLocked } from './stop.ts';

type Step = 'remove';

/** A delete that began is finished, never undone: half of a VM's files are no VM. */
export const deleteFinish: UndoTable<Step> = {
  remove: async (context, data) => removeAll(context, removeData.parse(data)),
};

/** The digest beside the id: a delete that is finished later may find the VM's record gone already. */
const removeData = z.object({ vmId: z.string(), baseDigest: z.string() });

/** Deletes a VM with its disk, mounts, log and address. Throws illegal_state when it runs and mount_has_changes, unless forced. */
export async function deleteVm(context: Context, name: string, force: boolean, signal: AbortSignal): Promise<void> {
  const { vm } = findVm(context, name);
  await using _lock = await context.locks.take(vm.id, name, 'delete');
  const { vm: current, baseDigest } = findVm(context, name);
  if (!force) {
    assertMay('delete', current);
    await assertNothingUnpulled(context, current);
  }
  await stopLocked(
    context,
    vm.id,
    { force: true, timeoutSeconds: 1 },
    { signal, onProgress: () => undefined, onNotice: () => undefined },
  );
  const data = { vmId: vm.id, baseDigest };
  await runSaga(context, { name: 'vm.delete', subject: name, undo: deleteFinish }, [
    { step: 'remove', data, act: async () => removeAll(context, data) },
  ]);
  emit(context, 'vm.deleted', name, `VM ${name} was deleted.`);
}

async function removeAll(context: Context, { vmId, baseDigest }: z.infer<typeof removeData>): Promise<void> {
  const row = context.store.findVmById(vmId);
  if (row !== undefined) {
    await context.consoles.remove(context.settings.layout.consoleLog(row.vm.name));
    await context.volumes.removeVm(vmId);
    context.store.deleteVm(vmId);
  }
  await using _claims = await context.locks.wait(claims, 'release an image');
  await releaseBase(context, baseDigest);
}

async function assertNothingUnpulled(context: Context, vm: Vm): Promise<void> {
  for (const { tag, mode, kind } of vm.spec.mounts) {
    const written = kind === 'copy' && mode === 'rw' && (await context.volumes.mountHasWrites(vm.id, tag));
    if (!written && (await context.volumes.listKept(vm.id, tag)).length === 0) continue;
    throw new VmmError('mount_has_changes', `The guest wrote to mount ${tag} of VM ${vm.name}, and nobody pulled it.`, {
      hint: `vmm mount pull ${vm.name} ${tag}, or throw it away: vmm delete --force ${vm.name}`,
    });
  }
}

import type { VmExit, VmHandle } from '../../ports/hypervisor.ts';
import { type Context, emit } from '../context.ts';
import { inBackground } from '../host/background.ts';
import { recordReady } from './await-ready.ts';
import { endRun } from './end-run.ts';
import { setStatus } from './find.ts';

/** A guest may take this long to its first ssh banner before nobody asks any more. */
const readyDeadlineMs = 600_000;

/** Boots a stopped VM again; the lock is held. */
export type Boot = (name: string) => Promise<unknown>;

/** Follows a running VM: notes its readiness and its troubles, cleans up at its end, boots it again when the guest asked for a reboot. */
export function watch(context: Context, vmId: string, handle: VmHandle, boot: Boot): void {
  context.handles.set(vmId, handle);
  const name = context.store.findVmById(vmId)?.vm.name ?? vmId;
  const gone = new AbortController();
  void handle.exited.then((exit) => {
    gone.abort();
    return inBackground(context, name, () => onExit(context, vmId, handle, boot, exit));
  });
  handle.onTrouble(
    (trouble) => void inBackground(context, name, async () => noteTrouble(context, vmId, handle, trouble)),
  );
  void inBackground(context, name, () => noteReady(context, vmId, handle, gone.signal));
}

/** Once each way, however often it is told, and across daemons: the status remembers what was said. */
function noteTrouble(context: Context, vmId: string, handle: VmHandle, trouble: string | undefined): void {
  const vm = context.store.findVmById(vmId)?.vm;
  if (vm === undefined || context.handles.get(vmId) !== handle) return;
  const error = trouble === undefined ? undefined : `The guest is paused: ${trouble}.`;
  if (vm.status.error === error) return;
  setStatus(context, vmId, { error });
  const message = trouble === undefined ? `VM ${vm.name} goes on.` : `VM ${vm.name} is paused: ${trouble}.`;
  emit(context, 'vm.changed', vm.name, message);
}

async function noteReady(context: Context, vmId: string, handle: VmHandle, signal: AbortSignal): Promise<void> {
  const vm = context.store.findVmById(vmId)?.vm;
  if (vm?.status.ip === undefined || vm.status.ready) return;
  const answered = await context.channel.awaitSsh(vm.status.ip, { timeoutMs: readyDeadlineMs, signal }).then(
    () => true,
    () => false,
  );
  if (answered && context.handles.get(vmId) === handle) recordReady(context, vmId);
}

async function onExit(context: Context, vmId: string, handle: VmHandle, boot: Boot, exit: VmExit): Promise<void> {
  if (context.store.findVmById(vmId) === undefined) return;
  await using _lock = await context.locks.tidy(vmId);
  // Whoever stopped it on purpose has cleaned up already, and may have started it again since.
  if (context.handles.get(vmId) !== handle) return;
  await endRun(context, vmId, exit);
  const vm = context.store.findVmById(vmId)?.vm;
  if (exit.cause !== 'guest-reboot' || vm === undefined) return;
  // A start that fails is recorded in the VM's status and in the events; there is nobody here to tell.
  await boot(vm.name).catch(() => undefined);
}

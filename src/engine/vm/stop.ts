import type { ParsedInput } from '../../contract/operations.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { endRun } from './end-run.ts';
import { findVm, setStatus } from './find.ts';

/** Asks the guest to power off; when it has not by the deadline, or at once with `force`, ends its VMM. A stopped VM is left as it is. */
export async function stopVm(
  context: Context,
  name: string,
  options: ParsedInput<'vm.stop'>,
  reporter: Reporter,
): Promise<Vm> {
  const { vm } = findVm(context, name);
  await using _lock = await context.locks.wait(vm.id, 'stop');
  await stopLocked(context, vm.id, options, reporter);
  const row = findVm(context, name);
  context.store.updateVm({ ...row, stoppedByUser: true });
  return row.vm;
}

/** The same, for whoever holds the VM's lock already. */
export async function stopLocked(
  context: Context,
  vmId: string,
  options: ParsedInput<'vm.stop'>,
  reporter: Reporter,
): Promise<void> {
  const row = context.store.findVmById(vmId);
  if (row === undefined) return;
  const { vm, record } = row;
  const handle = context.handles.get(vmId);
  if (record === undefined || handle === undefined) {
    await endRun(context, vmId, { cause: 'stopped' });
    if (vm.status.phase !== 'stopped') setStatus(context, vmId, { phase: 'stopped', error: undefined });
    return;
  }
  setStatus(context, vmId, { phase: 'stopping' });
  emit(context, 'vm.stopping', vm.name, `VM ${vm.name} is being stopped.`);
  const ended = !options.force && (await askAndWait(context, vmId, options.timeoutSeconds * 1000, reporter));
  if (!ended) {
    reporter.onProgress({ step: 'kill', message: 'Ending the VM' });
    await handle.kill();
  }
  await endRun(context, vmId, {
    cause: 'stopped',
    ...(ended || options.force ? {} : { detail: `the guest did not power off within ${options.timeoutSeconds} s` }),
  });
}

/** True when the guest ended in time. A cancelled request leaves the guest to its power-off and the VM running until then. */
async function askAndWait(context: Context, vmId: string, timeoutMs: number, reporter: Reporter): Promise<boolean> {
  const handle = context.handles.get(vmId);
  if (handle === undefined) return true;
  reporter.onProgress({ step: 'power-off', message: 'Asking the guest to power off' });
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutMs), reporter.signal]);
  const ended = handle.exited.then(() => true);
  const late = new Promise<false>((resolve) => {
    deadline.addEventListener('abort', () => resolve(false), { once: true });
    if (deadline.aborted) resolve(false);
  });
  const asked = (async () => {
    const byAgent = await context.channel.agentShutdown(handle, deadline).catch(() => false);
    if (!byAgent) await handle.requestPowerDown(deadline);
  })().catch(() => undefined); // a guest that cannot be asked runs into the deadline
  const outcome = await Promise.race([ended, late]);
  await asked;
  if (!outcome && reporter.signal.aborted) {
    setStatus(context, vmId, { phase: 'running' });
    reporter.signal.throwIfAborted();
  }
  return outcome;
}

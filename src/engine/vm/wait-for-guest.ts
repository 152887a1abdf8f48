import { VmmError } from '../../contract/errors.ts';
import type { Context, Reporter } from '../context.ts';
import { awaitReady } from './await-ready.ts';
import { endRun } from './end-run.ts';
import { findVm } from './find.ts';

interface WaitOptions {
  readonly timeoutMs: number;
  /** This request booted the guest: its cancelling undoes the boot. */
  readonly booted: boolean;
}

/**
 * Waits until a guest answers, without its lock. A cancelled wait ends the guest that this request has booted; one that
 * took too long leaves it for its owner to look at; a reboot on the way is waited through.
 */
export async function waitForGuest(
  context: Context,
  name: string,
  { timeoutMs, booted }: WaitOptions,
  reporter: Reporter,
): Promise<void> {
  const { vm } = findVm(context, name);
  const handle = context.handles.get(vm.id);
  const startedMs = context.clock.now().getTime();
  reporter.onProgress({ step: 'ssh', message: 'Waiting for ssh' });
  try {
    await awaitReady(context, name, { timeoutMs, signal: reporter.signal });
  } catch (error) {
    const { signal } = reporter;
    if (signal.aborted && booted) await endOwnRun(context, vm.id, handle);
    const ended = error instanceof VmmError && error.code === 'guest_exited';
    if (signal.aborted || !ended || handle === undefined) throw error;
    const exit = await handle.exited;
    // The watcher queued for the lock first: once we have it, the end is cleaned up after, and a reboot is under way.
    await (await context.locks.tidy(vm.id))[Symbol.asyncDispose]();
    const leftMs = timeoutMs - (context.clock.now().getTime() - startedMs);
    if (exit.cause !== 'guest-reboot' || leftMs <= 0 || !context.handles.has(vm.id)) throw error;
    await waitForGuest(context, name, { timeoutMs: leftMs, booted }, reporter);
  }
}

/** Ends the run that was waited for, and no later one. */
async function endOwnRun(context: Context, vmId: string, handle: ReturnType<Context['handles']['get']>): Promise<void> {
  await using _lock = await context.locks.wait(vmId, 'cancel the start of');
  if (handle === undefined || context.handles.get(vmId) !== handle) return;
  await handle.kill();
  await endRun(context, vmId, { cause: 'stopped' });
}

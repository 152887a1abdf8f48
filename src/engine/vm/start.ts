import { VmmError } from '../../contract/errors.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Context, Reporter } from '../context.ts';
import { awaitReady } from './await-ready.ts';
import { endRun } from './end-run.ts';
import { findVm } from './find.ts';
import { launch } from './launch.ts';

export interface StartOptions {
  readonly wait: boolean;
  readonly timeoutSeconds: number;
}

/** Boots a VM and, unless told otherwise, waits until its sshd answers. A VM that runs already is left as it is, and that is told. */
export async function startVm(
  context: Context,
  name: string,
  options: StartOptions,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const found = findVm(context, name);
  await using _lock = await context.locks.take(found.vm.id, name, 'start');
  return await startLocked(context, name, options, reporter);
}

/** The same, for whoever holds the VM's lock already. */
export async function startLocked(
  context: Context,
  name: string,
  options: StartOptions,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const { vm } = findVm(context, name);
  const notices: string[] = [];
  const tell = (notice: string) => {
    notices.push(notice);
    reporter.onNotice(notice);
  };
  const timeoutMs = options.timeoutSeconds * 1000;
  if (vm.status.phase === 'running') {
    tell(`VM ${name} is running already.`);
    if (options.wait) await awaitReady(context, name, { timeoutMs, signal: reporter.signal });
  } else {
    assertMay('start', vm);
    const telling = { ...reporter, onNotice: tell };
    await launch(context, name, telling, (again) => bootAgain(context, again));
    if (options.wait) await waitForGuest(context, name, timeoutMs, telling);
  }
  return { vm: findVm(context, name).vm, notices };
}

/** A boot that nobody asked for at a terminal: after the guest's own reboot. The lock is held. */
export async function bootAgain(context: Context, name: string): Promise<void> {
  const quiet = { signal: new AbortController().signal, onProgress: () => undefined, onNotice: () => undefined };
  await startLocked(context, name, { wait: false, timeoutSeconds: 1 }, quiet);
}

/**
 * Waits for the guest that this request has booted. A cancelled wait undoes the start; one that took too long leaves the
 * guest for its owner to look at; a guest that ended is cleaned up after here, so that the next start finds the VM stopped.
 */
async function waitForGuest(context: Context, name: string, timeoutMs: number, reporter: Reporter): Promise<void> {
  const { vm } = findVm(context, name);
  const handle = context.handles.get(vm.id);
  const startedMs = context.clock.now().getTime();
  reporter.onProgress({ step: 'ssh', message: 'Waiting for ssh' });
  try {
    await awaitReady(context, name, { timeoutMs, signal: reporter.signal });
  } catch (error) {
    if (reporter.signal.aborted) {
      await handle?.kill();
      await endRun(context, vm.id, { cause: 'stopped' });
    } else if (error instanceof VmmError && error.code === 'guest_exited' && handle !== undefined) {
      const exit = await handle.exited;
      await endRun(context, vm.id, exit);
      const leftMs = timeoutMs - (context.clock.now().getTime() - startedMs);
      if (exit.cause === 'guest-reboot' && leftMs > 0) {
        await launch(context, name, reporter, (again) => bootAgain(context, again));
        return await waitForGuest(context, name, leftMs, reporter);
      }
    }
    throw error;
  }
}

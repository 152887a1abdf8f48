import type { Vm } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Context, Reporter } from '../context.ts';
import { findVm } from './find.ts';
import { launch } from './launch.ts';
import { waitForGuest } from './wait-for-guest.ts';

export interface StartOptions {
  readonly wait: boolean;
  readonly timeoutSeconds: number;
}

/**
 * Boots a VM and, unless told otherwise, waits until its sshd answers. A VM that runs already is left as it is, and that
 * is told. The lock is held for the launch alone: a guest that is slow to answer can be stopped meanwhile.
 */
export async function startVm(
  context: Context,
  name: string,
  options: StartOptions,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const found = findVm(context, name);
  const notices: string[] = [];
  const telling = tellingTo(notices, reporter);
  let booted: boolean;
  {
    await using _lock = await context.locks.take(found.vm.id, name, 'start');
    booted = await bootLocked(context, name, telling);
  }
  if (options.wait) await waitForGuest(context, name, { timeoutMs: options.timeoutSeconds * 1000, booted }, telling);
  return { vm: findVm(context, name).vm, notices };
}

/** Boots a VM that does not run, for whoever holds its lock. False when it ran already. */
export async function bootLocked(context: Context, name: string, reporter: Reporter): Promise<boolean> {
  const { vm } = findVm(context, name);
  if (vm.status.phase === 'running') {
    reporter.onNotice(`VM ${name} is running already.`);
    return false;
  }
  assertMay('start', vm);
  await launch(context, name, reporter, (again) => bootAgain(context, again));
  return true;
}

/** A boot that nobody asked for at a terminal: after the guest's own reboot. The lock is held. */
export async function bootAgain(context: Context, name: string): Promise<void> {
  await bootLocked(context, name, {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onNotice: () => undefined,
  });
}

/** A reporter whose notices are also kept for the answer. */
export function tellingTo(notices: string[], reporter: Reporter): Reporter {
  return {
    ...reporter,
    onNotice(notice) {
      notices.push(notice);
      reporter.onNotice(notice);
    },
  };
}

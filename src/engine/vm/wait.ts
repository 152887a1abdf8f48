import { VmmError } from '../../contract/errors.ts';
import type { ParsedQuery } from '../../contract/operations.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import type { Context } from '../context.ts';
import { awaitReady } from './await-ready.ts';
import { findVm } from './find.ts';

/** Waits until a VM answers ssh, or until it has stopped. */
export async function waitVm(
  context: Context,
  name: string,
  { for: goal, timeoutSeconds }: ParsedQuery<'vm.wait'>,
  signal: AbortSignal,
): Promise<Vm> {
  const timeoutMs = timeoutSeconds * 1000;
  const { vm } = findVm(context, name);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const started = context.clock.now().getTime();
  if (goal === 'stopped') {
    await untilEvent(
      context,
      name,
      () => context.store.findVmById(vm.id)?.record === undefined && !isChanging(context, name),
      deadline,
      goal,
      signal,
    );
  } else {
    // A start that is under way has no VMM yet to ask.
    await untilEvent(context, name, () => findVm(context, name).vm.status.phase !== 'starting', deadline, goal, signal);
    await awaitReady(context, name, {
      timeoutMs: Math.max(1, timeoutMs - (context.clock.now().getTime() - started)),
      signal,
    });
  }
  return context.store.findVmById(vm.id)?.vm ?? vm;
}

function isChanging(context: Context, name: string): boolean {
  const phase = context.store.findVm(name)?.vm.status.phase;
  return phase === 'starting' || phase === 'stopping';
}

/** Looks again after every event; nothing polls. */
function untilEvent(
  context: Context,
  name: string,
  isSo: () => boolean,
  deadline: AbortSignal,
  goal: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      context.listeners.delete(look);
      deadline.removeEventListener('abort', giveUp);
      end();
    };
    const look = () => {
      try {
        if (isSo()) finish(resolve);
      } catch (error) {
        // A VM deleted meanwhile is this wait's failure, and not that of the request whose event told it.
        finish(() => reject(error));
      }
    };
    const giveUp = () =>
      finish(() =>
        reject(
          signal.aborted
            ? new VmmError('aborted', `Waiting for VM ${name} was cancelled.`)
            : new VmmError('guest_timeout', `VM ${name} was not ${goal} in time.`, { hint: `vmm inspect ${name}` }),
        ),
      );
    context.listeners.add(look);
    deadline.addEventListener('abort', giveUp, { once: true });
    look();
    // A signal that fired before says nothing any more.
    if (deadline.aborted) giveUp();
  });
}

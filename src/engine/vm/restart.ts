import type { ParsedInput } from '../../contract/operations.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import type { Context, Reporter } from '../context.ts';
import { findVm } from './find.ts';
import { bootLocked, tellingTo } from './start.ts';
import { stopLocked } from './stop.ts';
import { waitForGuest } from './wait-for-guest.ts';

const stopTimeoutSeconds = 30;

/** Stops and starts in one lock, so that nothing comes between. A stopped VM is started. */
export async function restartVm(
  context: Context,
  name: string,
  options: ParsedInput<'vm.restart'>,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const { vm } = findVm(context, name);
  const notices: string[] = [];
  const telling = tellingTo(notices, reporter);
  {
    await using _lock = await context.locks.take(vm.id, name, 'restart');
    await stopLocked(context, vm.id, { force: options.force, timeoutSeconds: stopTimeoutSeconds }, telling);
    await bootLocked(context, name, telling);
  }
  if (options.wait)
    await waitForGuest(context, name, { timeoutMs: options.timeoutSeconds * 1000, booted: true }, telling);
  return { vm: findVm(context, name).vm, notices };
}

import type { ParsedInput } from '../../contract/operations.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import type { Context, Reporter } from '../context.ts';
import { findVm } from './find.ts';
import { startLocked } from './start.ts';
import { stopLocked } from './stop.ts';

const stopTimeoutSeconds = 30;

/** Stops and starts in one lock, so that nothing comes between. A stopped VM is started. */
export async function restartVm(
  context: Context,
  name: string,
  options: ParsedInput<'vm.restart'>,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const { vm } = findVm(context, name);
  await using _lock = await context.locks.take(vm.id, name, 'restart');
  await stopLocked(context, vm.id, { force: options.force, timeoutSeconds: stopTimeoutSeconds }, reporter);
  return await startLocked(context, name, { wait: options.wait, timeoutSeconds: options.timeoutSeconds }, reporter);
}

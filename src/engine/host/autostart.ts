import { asVmmError } from '../../contract/errors.ts';
import type { Context, Reporter } from '../context.ts';
import { startVm } from '../vm/start.ts';

const atOnce = 4;
const waitSeconds = 300;

/** Starts every VM that is to start with the host, but none that its owner stopped. A few at a time; one that fails holds up no other. */
export async function autostart(context: Context, reporter: Reporter): Promise<{ name: string; error?: string }[]> {
  const queue = context.store
    .listVms()
    .filter(({ vm, stoppedByUser, record }) => vm.spec.autostart && !stoppedByUser && record === undefined)
    .map(({ vm }) => vm.name);
  const results: { name: string; error?: string }[] = [];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      reporter.onProgress({ step: 'autostart', message: `Starting ${name}` });
      const error = await startVm(context, name, { wait: true, timeoutSeconds: waitSeconds }, reporter).then(
        () => undefined,
        (thrown: unknown) => asVmmError(thrown).message,
      );
      results.push({ name, ...(error === undefined ? {} : { error }) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

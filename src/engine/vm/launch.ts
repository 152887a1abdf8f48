import { asVmmError } from '../../contract/errors.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { assertFits } from '../../domain/resources.ts';
import type { Kit } from '../../ports/guest-kit.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { chooseEngine } from './engine-choice.ts';
import { findVm, setStatus } from './find.ts';
import { type Choice, runStartSaga } from './start-saga.ts';
import { type Boot, watch } from './watch.ts';

/** Brings a stopped VM to run, or leaves it as it was: `failed` with the error kept, `stopped` when the request was cancelled. */
export async function launch(context: Context, name: string, reporter: Reporter, boot: Boot): Promise<void> {
  const { vm } = findVm(context, name);
  emit(context, 'vm.starting', name, `VM ${name} is being started.`);
  try {
    assertFits(vm.spec, {
      cpus: context.host.cpus(),
      memoryMiB: context.host.memoryMiB(),
      maxCpus: Number.POSITIVE_INFINITY,
    });
    const handle = await runStartSaga(context, name, () => choose(context, vm, reporter), reporter);
    watch(context, vm.id, handle, boot);
    emit(context, 'vm.running', name, `VM ${name} runs at ${findVm(context, name).vm.status.ip}.`);
  } catch (thrown) {
    const { code, message } = asVmmError(thrown);
    const cancelled = code === 'aborted' || reporter.signal.aborted;
    setStatus(context, vm.id, cancelled ? { phase: 'stopped' } : { phase: 'failed', error: message });
    emit(context, cancelled ? 'vm.stopped' : 'vm.failed', name, `The start of VM ${name} failed: ${message}`);
    throw thrown;
  }
}

async function choose(context: Context, vm: Vm, reporter: Reporter): Promise<Choice> {
  const kit = await readyKit(context, reporter);
  reporter.onProgress({ step: 'engine', message: 'Choosing the engine' });
  const { hypervisor, report, reason } = await chooseEngine(context, vm.spec, kit, reporter.signal);
  setStatus(context, vm.id, { engine: hypervisor.name, engineReason: reason, acceleration: report.acceleration });
  return { kit, hypervisor };
}

async function readyKit(context: Context, reporter: Reporter): Promise<Kit> {
  const current = await context.kit.current();
  if (current !== undefined) return current;
  await using _lock = await context.locks.wait('kit', 'build');
  return await context.kit.ensure({ onProgress: reporter.onProgress, signal: reporter.signal });
}

import { VmmError } from '../../contract/errors.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { tapFor } from '../../domain/addresses.ts';
import { assertFits } from '../../domain/resources.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Kit } from '../../ports/guest-kit.ts';
import type { VmHandle } from '../../ports/hypervisor.ts';
import type { VmRow } from '../../ports/state-store.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { runSaga } from '../saga/run.ts';
import { giveAddress } from './address.ts';
import { awaitReady } from './await-ready.ts';
import { endRun } from './end-run.ts';
import { chooseEngine } from './engine-choice.ts';
import { findVm, setStatus } from './find.ts';
import { prepareDrives } from './prepare-drives.ts';
import { memberOf, startUndo } from './start-steps.ts';
import { watch } from './watch.ts';

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
  if (vm.status.phase === 'running') {
    tell(`VM ${name} is running already.`);
  } else {
    assertMay('start', vm);
    await launch(context, name, { ...reporter, onNotice: tell });
  }
  if (options.wait) await waitForGuest(context, name, options.timeoutSeconds * 1000, reporter);
  return { vm: findVm(context, name).vm, notices };
}

/** A boot that nobody asked for at a terminal: after the guest's own reboot. The lock is held. */
export async function bootAgain(context: Context, name: string): Promise<void> {
  const quiet = { signal: new AbortController().signal, onProgress: () => undefined, onNotice: () => undefined };
  await startLocked(context, name, { wait: false, timeoutSeconds: 1 }, quiet);
}

async function launch(context: Context, name: string, reporter: Reporter): Promise<void> {
  const { vm } = findVm(context, name);
  const { signal } = reporter;
  emit(context, 'vm.starting', name, `VM ${name} is being started.`);
  try {
    assertFits(vm.spec, {
      cpus: context.host.cpus(),
      memoryMiB: context.host.memoryMiB(),
      maxCpus: Number.POSITIVE_INFINITY,
    });
    const kit = await readyKit(context, reporter);
    reporter.onProgress({ step: 'engine', message: 'Choosing the engine' });
    const choice = await chooseEngine(context, vm.spec, kit, signal);
    reporter.onProgress({ step: 'network', message: 'Setting up the network' });
    for (const notice of await context.network.ensure(signal)) reporter.onNotice(notice);
    for (const forward of vm.spec.forwards) await context.network.assertPortFree(forward, signal);
    const address = giveAddress(context, vm.id, await context.network.reservedAddresses(signal));
    setStatus(context, vm.id, {
      engine: choice.hypervisor.name,
      engineReason: choice.reason,
      acceleration: choice.report.acceleration,
    });
    const handle = await runStartSaga(context, findVm(context, name), kit, choice.hypervisor, address, reporter);
    watch(context, vm.id, handle, (again) => bootAgain(context, again));
    emit(context, 'vm.running', name, `VM ${name} runs at ${address.ip}.`);
  } catch (error) {
    setStatus(context, vm.id, {
      phase: signal.aborted ? 'stopped' : 'failed',
      error: error instanceof Error ? error.message : String(error),
    });
    emit(
      context,
      signal.aborted ? 'vm.stopped' : 'vm.failed',
      name,
      `The start of VM ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    throw error;
  }
}

async function readyKit(context: Context, reporter: Reporter): Promise<Kit> {
  const current = await context.kit.current();
  if (current !== undefined) return current;
  await using _lock = await context.locks.wait('kit', 'build');
  return await context.kit.ensure({ onProgress: reporter.onProgress, signal: reporter.signal });
}

async function runStartSaga(
  context: Context,
  row: VmRow,
  kit: Kit,
  hypervisor: Context['hypervisors'][number],
  address: ReturnType<typeof giveAddress>,
  reporter: Reporter,
): Promise<VmHandle> {
  const { vm } = row;
  const { signal } = reporter;
  const tap = tapFor(vm.id);
  let mtu = 1500;
  let handle: VmHandle | undefined;
  await runSaga(context, { name: 'vm.start', subject: vm.name, undo: startUndo }, [
    {
      step: 'phase',
      data: vm.id,
      act: async () => {
        setStatus(context, vm.id, {
          phase: 'starting',
          ready: false,
          tap,
          error: undefined,
          exitCause: undefined,
          exitDetail: undefined,
          stoppedAt: undefined,
        });
      },
    },
    {
      step: 'tap',
      data: vm.id,
      act: async () => {
        mtu = await context.network.addTap(tap, signal);
      },
    },
    {
      step: 'rules',
      data: vm.id,
      act: async () => {
        const member = memberOf(row);
        if (member !== undefined) await context.network.addMember(member, signal);
      },
    },
    {
      step: 'vmm',
      data: { vmId: vm.id },
      act: async (journal) => {
        const { drives, kernelArgs } = await prepareDrives(context, row, kit, { ...address, mtu }, reporter);
        reporter.onProgress({ step: 'boot', message: 'Booting' });
        handle = await hypervisor.launch(
          {
            vmId: vm.id,
            name: vm.name,
            cpus: vm.spec.cpus,
            memoryMiB: vm.spec.memoryMiB,
            boot: kit,
            kernelArgs,
            drives,
            nic: { tap, mac: address.mac, mtu },
            shares: vm.spec.mounts
              .filter(({ kind }) => kind === 'live')
              .map(({ tag, source, mode }) => ({ tag, source, readOnly: mode === 'ro' })),
            runtimeDir: context.settings.layout.vmRuntime(vm.id),
            consoleLogPath: context.settings.layout.consoleLog(vm.name),
          },
          async (record) => journal({ vmId: vm.id, record }),
          signal,
        );
        signal.throwIfAborted();
        recordRunning(context, vm.id, handle);
      },
    },
  ]);
  if (handle === undefined) throw new VmmError('internal', 'The launch left no VM.');
  return handle;
}

function recordRunning(context: Context, vmId: string, handle: VmHandle): void {
  const vm = setStatus(context, vmId, {
    phase: 'running',
    pid: handle.record.process.pid,
    startedAt: context.clock.now().toISOString(),
  });
  const row = context.store.findVmById(vmId);
  if (vm === undefined || row === undefined)
    throw new VmmError('internal', `VM ${vmId} vanished while it was started.`);
  context.store.updateVm({ ...row, record: handle.record, stoppedByUser: false });
}

/** A cancelled wait undoes the start; one that took too long leaves the guest for its owner to look at. */
async function waitForGuest(context: Context, name: string, timeoutMs: number, reporter: Reporter): Promise<void> {
  reporter.onProgress({ step: 'ssh', message: 'Waiting for ssh' });
  try {
    await awaitReady(context, name, { timeoutMs, signal: reporter.signal });
  } catch (error) {
    const { vm } = findVm(context, name);
    if (reporter.signal.aborted) {
      await context.handles.get(vm.id)?.kill();
      await endRun(context, vm.id, { cause: 'stopped' });
    }
    throw error;
  }
}

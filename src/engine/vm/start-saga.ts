import { VmmError } from '../../contract/errors.ts';
import { tapFor } from '../../domain/addresses.ts';
import type { Kit } from '../../ports/guest-kit.ts';
import type { Hypervisor, LaunchPlan, VmHandle } from '../../ports/hypervisor.ts';
import type { VmRow } from '../../ports/state-store.ts';
import type { Context, Reporter } from '../context.ts';
import { runSaga } from '../saga/run.ts';
import { type Address, giveAddress } from './address.ts';
import { findVm, setStatus } from './find.ts';
import { prepareDrives } from './prepare-drives.ts';
import { memberOf, startUndo } from './start-steps.ts';

export interface Choice {
  readonly kit: Kit;
  readonly hypervisor: Hypervisor;
}

/** Network, drives, VMM: what a run has on the host, each step with its undo in start-steps.ts. */
export async function runStartSaga(
  context: Context,
  name: string,
  choose: () => Promise<Choice>,
  reporter: Reporter,
): Promise<VmHandle> {
  const { vm } = findVm(context, name);
  const { signal } = reporter;
  const tap = tapFor(vm.id);
  let mtu = 1500;
  let choice: Choice | undefined;
  let address: Address | undefined;
  let handle: VmHandle | undefined;
  await runSaga(context, { name: 'vm.start', subject: name, undo: startUndo }, [
    {
      step: 'phase',
      data: vm.id,
      act: async () => {
        recordStarting(context, vm.id, tap);
        choice = await choose();
      },
    },
    {
      step: 'tap',
      data: vm.id,
      act: async () => {
        reporter.onProgress({ step: 'network', message: 'Setting up the network' });
        for (const notice of await context.network.ensure(signal)) reporter.onNotice(notice);
        for (const forward of vm.spec.forwards) await context.network.assertPortFree(forward, signal);
        address = giveAddress(context, vm.id, await context.network.reservedAddresses(signal));
        mtu = await context.network.addTap(tap, signal);
      },
    },
    {
      step: 'rules',
      data: vm.id,
      act: async () => {
        const member = memberOf(findVm(context, name));
        if (member !== undefined) await context.network.addMember(member, signal);
      },
    },
    {
      step: 'vmm',
      data: { vmId: vm.id },
      act: async (journal) => {
        if (choice === undefined || address === undefined)
          throw new VmmError('internal', 'The steps before gave no engine or no address.');
        const { kit, hypervisor } = choice;
        const row = findVm(context, name);
        const { drives, kernelArgs } = await prepareDrives(context, row, kit, { ...address, mtu }, reporter);
        reporter.onProgress({ step: 'boot', message: 'Booting' });
        const nic = { tap, mac: address.mac, mtu };
        const plan = { ...planOf(context, row, kit), kernelArgs, drives, nic };
        handle = await hypervisor.launch(plan, async (record) => journal({ vmId: vm.id, record }), signal);
        signal.throwIfAborted();
        recordRunning(context, vm.id, handle);
      },
    },
  ]);
  if (handle === undefined) throw new VmmError('internal', 'The launch left no VM.');
  return handle;
}

function planOf(context: Context, { vm }: VmRow, kit: Kit): Omit<LaunchPlan, 'kernelArgs' | 'drives' | 'nic'> {
  return {
    vmId: vm.id,
    name: vm.name,
    cpus: vm.spec.cpus,
    memoryMiB: vm.spec.memoryMiB,
    boot: kit,
    shares: vm.spec.mounts
      .filter(({ kind }) => kind === 'live')
      .map(({ tag, source, mode }) => ({ tag, source, readOnly: mode === 'ro' })),
    runtimeDir: context.settings.layout.vmRuntime(vm.id),
    consoleLogPath: context.settings.layout.consoleLog(vm.name),
  };
}

function recordStarting(context: Context, vmId: string, tap: string): void {
  setStatus(context, vmId, {
    phase: 'starting',
    ready: false,
    tap,
    error: undefined,
    exitCause: undefined,
    exitDetail: undefined,
    stoppedAt: undefined,
  });
}

function recordRunning(context: Context, vmId: string, handle: VmHandle): void {
  context.store.transaction(() => {
    setStatus(context, vmId, {
      phase: 'running',
      pid: handle.record.process.pid,
      startedAt: context.clock.now().toISOString(),
    });
    const row = context.store.findVmById(vmId);
    if (row === undefined) throw new VmmError('internal', `VM ${vmId} vanished while it was started.`);
    context.store.updateVm({ ...row, record: handle.record, stoppedByUser: false });
  });
}

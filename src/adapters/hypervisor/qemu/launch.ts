import { mkdir, readFile } from 'node:fs/promises';
import { VmmError } from '../../../contract/errors.ts';
import type { ProcessIdentity } from '../../../ports/command-runner.ts';
import type { LaunchPlan, VmmRecord } from '../../../ports/hypervisor.ts';
import {
  agentArguments,
  consoleArguments,
  controlArguments,
  driveArguments,
  guestArguments,
  type MachineChoice,
  microvmSlots,
  nicArguments,
  qemuProgram,
  rngArguments,
  serialBusArguments,
  shareArguments,
} from './argv.ts';
import { markConsoleStart } from './console-log.ts';
import type { QemuDeps } from './deps.ts';
import { fileTail } from './file-tail.ts';
import { guestUid } from './guest-uid.ts';
import { QemuHandle } from './handle.ts';
import { clearRuntimeFiles, removeRuntimeDir, runtimeFiles } from './runtime-files.ts';
import { findFileServer, startShare } from './shares.ts';
import { startFailure } from './start-failure.ts';

/** From exec to QMP's greeting: 0.1 s on an idle host; allocating much memory on a busy one takes seconds. */
const controlTimeoutMs = 30_000;

type OnStarted = (record: VmmRecord) => Promise<void>;

/** Starts a VM's processes and returns once QEMU answers; when it fails, nothing of it is left. */
export async function launchVm(
  deps: QemuDeps,
  plan: LaunchPlan,
  choice: MachineChoice,
  onStarted: OnStarted,
  signal: AbortSignal,
): Promise<QemuHandle> {
  assertSlots(plan, choice);
  await assertTap(plan);
  await mkdir(plan.runtimeDir, { recursive: true, mode: 0o700 });
  await clearRuntimeFiles(plan.runtimeDir);
  const started: ProcessIdentity[] = [];
  try {
    const helpers = await startShares(deps, plan, choice, started, onStarted, signal);
    await markConsoleStart(plan.consoleLogPath, deps.clock.now());
    signal.throwIfAborted();
    const qemu = await deps.runner.startDetached({
      program: qemuProgram,
      args: vmArguments(plan, choice),
      // The sockets' paths are relative to here, so that they fit into sun_path.
      cwd: plan.runtimeDir,
      outputPath: `${plan.runtimeDir}/${runtimeFiles.log}`,
    });
    started.push(qemu);
    const record = recordOf(plan, choice, qemu, helpers);
    await onStarted(record);
    return await attachOrThrow(deps, plan, record, signal);
  } catch (error) {
    for (const identity of started.toReversed()) await deps.processes.terminate(identity, 1_000);
    await removeRuntimeDir(plan.runtimeDir);
    if (signal.aborted) throw new VmmError('aborted', `The start of ${plan.name} was cancelled.`, { cause: error });
    throw error;
  }
}

function recordOf(
  plan: LaunchPlan,
  choice: MachineChoice,
  process: ProcessIdentity,
  helpers: readonly ProcessIdentity[],
): VmmRecord {
  const { runtimeDir, consoleLogPath } = plan;
  return { engine: 'qemu', acceleration: choice.acceleration, process, helpers, runtimeDir, consoleLogPath };
}

/** File servers come before QEMU, which connects to them; each is journalled as it comes. */
async function startShares(
  deps: QemuDeps,
  plan: LaunchPlan,
  choice: MachineChoice,
  started: ProcessIdentity[],
  onStarted: OnStarted,
  signal: AbortSignal,
): Promise<readonly ProcessIdentity[]> {
  if (plan.shares.length === 0) return [];
  const server = await findFileServer(deps.runner);
  if (server === undefined) {
    throw new VmmError('host_program_missing', 'Live mounts need virtiofsd, which is not installed.', {
      hint: 'sudo apt-get install virtiofsd (Debian 12: qemu-system-common)',
    });
  }
  for (const [index, share] of plan.shares.entries()) {
    const remember = async (helper: ProcessIdentity) => {
      started.push(helper);
      // There is no QEMU yet: the first file server stands in its place, so that a crash now leaves nothing unnamed.
      await onStarted(recordOf(plan, choice, started[0] ?? helper, started.slice(1)));
    };
    await startShare(deps, { server, share, index, runtimeDir: plan.runtimeDir, onStarted: remember, signal });
  }
  return [...started];
}

function vmArguments(plan: LaunchPlan, choice: MachineChoice): string[] {
  return [
    ...guestArguments({
      choice,
      name: plan.name,
      cpus: plan.cpus,
      memoryMiB: plan.memoryMiB,
      boot: plan.boot,
      kernelArgs: plan.kernelArgs,
      quiet: true,
      sharedMemory: plan.shares.length > 0,
      uid: guestUid(plan.vmId),
    }),
    ...controlArguments(),
    ...consoleArguments(plan.consoleLogPath),
    ...plan.drives.flatMap((drive) => driveArguments(choice, drive)),
    ...(plan.nic === undefined ? [] : nicArguments(choice, plan.nic)),
    ...serialBusArguments(choice),
    ...agentArguments(),
    ...rngArguments(choice),
    ...plan.shares.flatMap((share, index) => shareArguments(choice, index, share.tag)),
  ];
}

function assertSlots(plan: LaunchPlan, choice: MachineChoice): void {
  // Beside drives, shares and the card: the serial bus and the source of entropy.
  const devices = plan.drives.length + plan.shares.length + (plan.nic === undefined ? 0 : 1) + 2;
  if (choice.machine !== 'microvm' || devices <= microvmSlots) return;
  throw new VmmError(
    'not_supported',
    `${plan.name} needs ${devices} devices; this machine has ${microvmSlots} slots.`,
    {
      hint: 'Use fewer mounts.',
    },
  );
}

/** Run as root, QEMU would make a missing tap by itself, on no bridge, and the guest would have no network. */
async function assertTap({ nic, name }: LaunchPlan): Promise<void> {
  if (nic === undefined) return;
  const interfaces = await readFile('/proc/self/net/dev', 'utf8');
  if (interfaces.split('\n').some((line) => line.trim().startsWith(`${nic.tap}:`))) return;
  throw new VmmError('network_failed', `The tap ${nic.tap} of ${name} is not there.`, {
    hint: 'Start the VM again: its network is set up at each start.',
  });
}

/** Waits until QEMU answers on QMP, racing its end. */
async function attachOrThrow(
  deps: QemuDeps,
  plan: LaunchPlan,
  record: VmmRecord,
  signal: AbortSignal,
): Promise<QemuHandle> {
  const attaching = QemuHandle.attach(record, deps, controlTimeoutMs);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const handle = await Promise.race([attaching, aborted.promise]);
    if (handle.controlled) return handle;
    handle.detach();
  } catch (error) {
    void attaching.then((handle) => handle.detach());
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  const said = await fileTail(`${plan.runtimeDir}/${runtimeFiles.log}`, 16 * 1024);
  if (!(await deps.processes.isAlive(record.process))) throw startFailure(plan.name, said);
  throw new VmmError('engine_failed', `QEMU did not answer within ${controlTimeoutMs / 1000} s.`, {
    hint: 'The host may be overloaded; see `top`, and try again.',
    detail: said,
  });
}

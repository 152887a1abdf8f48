import { VmmError } from '../../../contract/errors.ts';
import type { BootFiles, Capabilities, EngineReport, Hypervisor } from '../../../ports/hypervisor.ts';
import { type HostFiles, hostFiles, kvmHint } from './acceleration.ts';
import { qemuProgram } from './argv.ts';
import { cachedVerdict, decide, qemuVersion } from './decide.ts';
import type { QemuDeps } from './deps.ts';
import { QemuHandle } from './handle.ts';
import { inquest } from './inquest.ts';
import { launchVm } from './launch.ts';
import { rememberByFile } from './remember-by-file.ts';
import { removeRuntimeDir } from './runtime-files.ts';
import { hasFileServer } from './shares.ts';
import { sweep } from './sweep.ts';
import type { Verdict } from './verdict.ts';

/** An xAPIC addresses 255 cpus, and emulation in QEMU 7.2 has no x2apic. */
const capabilities: Capabilities = {
  liveMounts: true,
  guestAgent: true,
  console: true,
  snapshots: false,
  maxCpus: 254,
};
const adoptTimeoutMs = 3_000;

/** The QEMU engine: microvm under KVM where a canary guest proves it, else emulation. QEMU 7.2 and later. */
export function createQemu(deps: QemuDeps, files: HostFiles = hostFiles): Hypervisor {
  const oneAtATime = createQueue();
  const versionNow = rememberByFile(deps.runner, qemuProgram, (signal) => qemuVersion(deps, signal));

  /** Of eight VMs started at once, one asks the canaries and the others find the answer. */
  const verdictFor = (version: string, boot: BootFiles, signal: AbortSignal) =>
    oneAtATime(() => {
      signal.throwIfAborted();
      return decide(deps, files, { version, boot, signal });
    });

  return {
    name: 'qemu',
    capabilities,
    async probe({ boot, canary, signal }) {
      let version: string;
      try {
        version = await versionNow(signal);
      } catch (error) {
        if (error instanceof VmmError && error.code === 'aborted') throw error;
        return missing(error);
      }
      const liveMounts = await hasFileServer(deps.runner);
      const able = { ...capabilities, liveMounts };
      const verdict =
        canary && boot !== undefined
          ? await verdictFor(version, boot, signal)
          : await cachedVerdict(deps, version, boot);
      return verdict === undefined ? guessed(version, able, files) : proved(verdict, able);
    },
    async launch(plan, onStarted, signal) {
      try {
        const version = await versionNow(signal);
        const { choice } = await verdictFor(version, plan.boot, signal);
        return await launchVm(deps, plan, choice, onStarted, signal);
      } catch (error) {
        if (error instanceof VmmError || !signal.aborted) throw error;
        throw new VmmError('aborted', `The start of ${plan.name} was cancelled.`, { cause: error });
      }
    },
    async adopt(record) {
      if (!(await deps.processes.isAlive(record.process))) return undefined;
      return QemuHandle.attach(record, deps, adoptTimeoutMs);
    },
    inquest,
    sweep: (runtimeDir) => sweep(deps.processes, runtimeDir),
    async clear(record) {
      await deps.processes.terminate(record.process, 2_000);
      await Promise.all(record.helpers.map((helper) => deps.processes.terminate(helper, 1_000)));
      await removeRuntimeDir(record.runtimeDir);
    },
  };
}

function missing(error: unknown): EngineReport {
  const { message, hint } = error instanceof VmmError ? error : { message: String(error), hint: undefined };
  return {
    name: 'qemu',
    available: false,
    reason: message,
    hint: hint ?? 'sudo apt-get install qemu-system-x86',
    capabilities,
  };
}

function proved(verdict: Verdict, able: Capabilities): EngineReport {
  return {
    name: 'qemu',
    available: true,
    version: verdict.version,
    acceleration: verdict.choice.acceleration,
    reason: verdict.reason,
    ...(verdict.hint === undefined ? {} : { hint: verdict.hint }),
    capabilities: able,
  };
}

async function guessed(version: string, able: Capabilities, files: HostFiles): Promise<EngineReport> {
  const hint = await kvmHint(files);
  const common = { name: 'qemu', available: true, version, capabilities: able } as const;
  if (hint.possible) {
    return { ...common, acceleration: 'kvm', reason: 'KVM looks usable; the first start will prove it with a guest' };
  }
  const advice = hint.hint === undefined ? {} : { hint: hint.hint };
  return { ...common, acceleration: 'tcg', reason: `emulation, since ${hint.reason}`, ...advice };
}

/** Runs tasks one after another; a failed one does not hold the next. */
function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task, task);
    last = result.catch(() => undefined);
    return result;
  };
}

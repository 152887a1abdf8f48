import { VmmError } from '../contract/errors.ts';
import type { EngineName, ExitCause } from '../contract/resources/vm.ts';
import { handOverMark, initBeginMark } from '../domain/guest-protocol.ts';
import type { ProcessIdentity } from '../ports/command-runner.ts';
import type {
  Capabilities,
  EngineReport,
  Hypervisor,
  LaunchPlan,
  VmExit,
  VmHandle,
  VmmRecord,
} from '../ports/hypervisor.ts';
import type { FakeConsoles } from './fake-consoles.ts';
import type { FakeFiles } from './fake-files.ts';
import { type FakeNetwork, stopIfAborted } from './fake-network.ts';
import type { FakeProcesses } from './fake-processes.ts';

/**
 * What a guest does once it runs. `answers`: sshd and agent answer, and it powers off when asked. `silent`: it runs and
 * answers nothing, not even the power button. `panics`: it ends right after the launch.
 */
export type GuestBehaviour = 'answers' | 'silent' | 'panics';

/** A VM that runs on the imagined host. It outlives the daemon. */
export interface Machine {
  readonly plan: LaunchPlan;
  readonly record: VmmRecord;
  readonly exited: Promise<VmExit>;
  behaviour: GuestBehaviour;
}

interface Running extends Machine {
  /** Ends the process; `exited` tells this cause. */
  end(cause: ExitCause, detail?: string): void;
  /** The engine holds the guest for this reason; undefined: it goes on. */
  hold(trouble: string | undefined): void;
  readonly onTrouble: VmHandle['onTrouble'];
}

const defaultCapabilities: Capabilities = {
  liveMounts: true,
  guestAgent: true,
  console: true,
  snapshots: false,
  maxCpus: 64,
};

interface Deps {
  readonly consoles: FakeConsoles;
  readonly files: FakeFiles;
  readonly network: FakeNetwork;
  readonly processes: FakeProcesses;
  readonly name?: EngineName;
  readonly capabilities?: Partial<Capabilities>;
}

export class FakeHypervisor implements Hypervisor {
  readonly name: EngineName;
  readonly capabilities: Capabilities;
  available = true;
  acceleration: 'kvm' | 'tcg' = 'kvm';
  /** Behaviour of guests to come, by VM name; the others answer. */
  readonly behaviours = new Map<string, GuestBehaviour>();
  /** Makes the next launch fail when its process exists already, as a refused configuration does. */
  failAfterStart: VmmError | undefined;
  readonly #running = new Map<number, Running>();
  readonly #consoles: FakeConsoles;
  readonly #files: FakeFiles;
  readonly #network: FakeNetwork;
  readonly #processes: FakeProcesses;

  constructor({ consoles, files, network, processes, name = 'qemu', capabilities = {} }: Deps) {
    this.#consoles = consoles;
    this.#files = files;
    this.#network = network;
    this.#processes = processes;
    this.name = name;
    this.capabilities = { ...defaultCapabilities, ...capabilities };
  }

  machines(): readonly Machine[] {
    return [...this.#running.values()];
  }

  /** The running VM of that name; throws when there is none, so that a test says so. */
  machine(name: string): Running {
    const found = [...this.#running.values()].find((machine) => machine.plan.name === name);
    if (found === undefined) throw new Error(`No machine named ${name} runs.`);
    return found;
  }

  async probe({ signal }: Parameters<Hypervisor['probe']>[0]): Promise<EngineReport> {
    stopIfAborted(signal);
    const { name, available, acceleration, capabilities } = this;
    if (!available) return { name, available, capabilities, reason: `${name} is not installed.` };
    return { name, available, acceleration, capabilities, version: '1.0', reason: 'The canary guest booted.' };
  }

  async launch(
    plan: LaunchPlan,
    onStarted: (record: VmmRecord) => Promise<void>,
    signal: AbortSignal,
  ): Promise<VmHandle> {
    stopIfAborted(signal);
    if (!this.available) throw new VmmError('engine_unavailable', `${this.name} is not installed.`);
    this.#assertUsable(plan);
    const machine = this.#start(plan);
    await onStarted(machine.record);
    try {
      stopIfAborted(signal);
      const failure = this.failAfterStart;
      this.failAfterStart = undefined;
      if (failure !== undefined) throw failure;
    } catch (error) {
      machine.end('killed');
      throw error;
    }
    this.#boot(machine);
    return this.#handle(machine);
  }

  #boot({ behaviour, plan, end }: Running): void {
    const print = (line: string) => this.#consoles.print(plan.consoleLogPath, `${line}\n`);
    print(initBeginMark);
    if (behaviour !== 'panics') {
      print(handOverMark);
      return;
    }
    const last = 'Kernel panic - not syncing: Attempted to kill init!';
    print(last);
    end('guest-panic', last);
  }

  async adopt(record: VmmRecord): Promise<VmHandle | undefined> {
    const machine = this.#find(record);
    return machine === undefined ? undefined : this.#handle(machine);
  }

  async inquest(): Promise<VmExit> {
    return { cause: 'unknown', detail: 'It ended while nobody watched.' };
  }

  async clear(record: VmmRecord): Promise<void> {
    this.#find(record)?.end('killed');
    for (const identity of [record.process, ...record.helpers]) this.#processes.end(identity);
  }

  async sweep(runtimeDir: string): Promise<void> {
    const stray = [...this.#running.values()].find(({ plan }) => plan.runtimeDir === runtimeDir);
    stray?.end('killed');
  }

  /** What a real engine finds out by itself: files and taps that are not there, a disk that another VM writes to. */
  #assertUsable(plan: LaunchPlan): void {
    const { vmlinuxPath, initramfsPath } = plan.boot;
    for (const path of [vmlinuxPath, initramfsPath, ...plan.drives.map((drive) => drive.path)]) {
      if (!this.#files.has(path)) throw new VmmError('engine_failed', `${this.name} cannot open ${path}.`);
    }
    if (plan.nic !== undefined && !this.#network.taps.has(plan.nic.tap)) {
      throw new VmmError('engine_failed', `${this.name} cannot open the tap ${plan.nic.tap}.`);
    }
    const writable = new Set(plan.drives.filter((drive) => !drive.readOnly).map((drive) => drive.path));
    for (const other of this.#running.values()) {
      const shared = other.plan.drives.find((drive) => !drive.readOnly && writable.has(drive.path));
      if (shared !== undefined) throw new VmmError('engine_failed', `${shared.path} is locked by ${other.plan.name}.`);
    }
  }

  #start(plan: LaunchPlan): Running {
    let tellExit: (exit: VmExit) => void = () => undefined;
    const exited = new Promise<VmExit>((resolve) => {
      tellExit = resolve;
    });
    let exit: VmExit = { cause: 'killed' };
    let held: string | undefined;
    const listeners = new Set<(trouble: string | undefined) => void>();
    const helpers: ProcessIdentity[] = plan.shares.map(() => this.#processes.start(`virtiofsd ${plan.name}`));
    const process = this.#processes.start(`${this.name} ${plan.name}`, () => {
      this.#running.delete(process.pid);
      for (const helper of helpers) this.#processes.end(helper);
      tellExit(exit);
    });
    const machine: Running = {
      plan,
      record: {
        engine: this.name,
        acceleration: this.acceleration,
        process,
        helpers,
        runtimeDir: plan.runtimeDir,
        consoleLogPath: plan.consoleLogPath,
      },
      exited,
      behaviour: this.behaviours.get(plan.name) ?? 'answers',
      end: (cause, detail) => {
        exit = detail === undefined ? { cause } : { cause, detail };
        this.#processes.end(process);
      },
      hold: (trouble) => {
        held = trouble;
        for (const listener of listeners) listener(trouble);
      },
      onTrouble: (listener) => {
        listeners.add(listener);
        listener(held);
      },
    };
    this.#running.set(process.pid, machine);
    return machine;
  }

  #find({ process }: VmmRecord): Running | undefined {
    const found = this.#running.get(process.pid);
    return found?.record.process.startTicks === process.startTicks ? found : undefined;
  }

  #handle(machine: Running): VmHandle {
    return {
      record: machine.record,
      exited: machine.exited,
      requestPowerDown: async (signal) => {
        stopIfAborted(signal);
        if (machine.behaviour === 'answers') setImmediate(() => machine.end('guest-poweroff'));
      },
      kill: async () => machine.end('killed'),
      consoleSocketPath: `${machine.plan.runtimeDir}/console.sock`,
      agentSocketPath: this.capabilities.guestAgent ? `${machine.plan.runtimeDir}/agent.sock` : undefined,
      onTrouble: machine.onTrouble,
      detach: () => undefined,
    };
  }
}

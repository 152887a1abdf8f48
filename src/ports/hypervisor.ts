import type { EngineName, ExitCause } from '../contract/resources/vm.ts';
import type { ProcessIdentity } from './command-runner.ts';

/** What an engine can do. The use cases ask this and never the engine's name. */
export interface Capabilities {
  readonly liveMounts: boolean;
  readonly guestAgent: boolean;
  readonly console: boolean;
  readonly snapshots: boolean;
  readonly maxCpus: number;
}

/** What an engine is worth on this host, with the evidence. */
export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  readonly version?: string;
  readonly acceleration?: 'kvm' | 'tcg';
  /** One sentence for people: why this acceleration, or why not available. */
  readonly reason: string;
  readonly hint?: string;
  readonly capabilities: Capabilities;
}

/** A block device of the guest. Drives appear in the guest as /dev/vda, vdb … in this order. */
export interface Drive {
  /** Letters, digits and _ only (Firecracker's rule for drive ids). */
  readonly id: string;
  readonly path: string;
  readonly readOnly: boolean;
}

export interface Nic {
  readonly tap: string;
  readonly mac: string;
  readonly mtu: number;
}

/** A live host directory. The driver starts and ends its file server (virtiofsd). */
export interface Share {
  readonly tag: string;
  readonly source: string;
  readonly readOnly: boolean;
}

/** The files an engine boots from: a kernel in the form it likes best, and the kit's initramfs. */
export interface BootFiles {
  /** Uncompressed ELF kernel. */
  readonly vmlinuxPath: string;
  readonly vmlinuzPath: string;
  readonly initramfsPath: string;
  /** Content digest of the whole kit, for caches keyed by kernel. */
  readonly digest: string;
}

export interface LaunchPlan {
  readonly vmId: string;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly boot: BootFiles;
  /** Kernel arguments beside the engine's own, such as `vmm.root=overlay`. */
  readonly kernelArgs: readonly string[];
  readonly drives: readonly Drive[];
  readonly nic: Nic | undefined;
  readonly shares: readonly Share[];
  /** A directory of this VM alone, 0700, short enough for sockets (sun_path is 108 bytes). The driver names files inside. */
  readonly runtimeDir: string;
  /** Where the serial console is logged, appended. */
  readonly consoleLogPath: string;
}

/** What must be remembered to adopt a VM after the daemon's restart. Plain JSON. */
export interface VmmRecord {
  readonly engine: EngineName;
  readonly acceleration: 'kvm' | 'tcg';
  readonly process: ProcessIdentity;
  /** Helpers, such as virtiofsd. */
  readonly helpers: readonly ProcessIdentity[];
  readonly runtimeDir: string;
  readonly consoleLogPath: string;
}

export interface VmExit {
  readonly cause: ExitCause;
  readonly detail?: string;
}

/** A running VMM process. */
export interface VmHandle {
  readonly record: VmmRecord;
  /** Resolves once when the VMM process is gone, with the cause the engine told. Never rejects. */
  readonly exited: Promise<VmExit>;
  /** Asks the guest to power off (ACPI button or agent). Resolves when asked, not when done. */
  requestPowerDown(signal: AbortSignal): Promise<void>;
  /** Ends the VMM process now. Idempotent; resolves once it and its helpers are gone. */
  kill(): Promise<void>;
  /** Path of the unix socket with the serial console: what the guest prints comes out, what goes in is typed. One client at a time. */
  readonly consoleSocketPath: string;
  /** Path of the unix socket that speaks the qemu-guest-agent protocol. */
  readonly agentSocketPath: string | undefined;
  /**
   * Calls `listener` when the engine holds the guest though nobody asked for it, with why (no capital, no full stop), and
   * with undefined once it goes on; at once with how it is now. The same may be told more than once.
   */
  onTrouble(listener: (trouble: string | undefined) => void): void;
  /** Lets go of connections without touching the VM. */
  detach(): void;
}

export interface Hypervisor {
  readonly name: EngineName;
  readonly capabilities: Capabilities;
  /** Finds program, version and acceleration; `canary: false` uses the cached verdict or the cheap hints alone. */
  probe(options: {
    readonly boot: BootFiles | undefined;
    readonly canary: boolean;
    readonly signal: AbortSignal;
  }): Promise<EngineReport>;
  /** Starts the VMM and the guest's boot. `onStarted` is called with the record as soon as the process exists, before anything else can fail, so that it can be journalled; and again when more processes follow (file servers come before the VMM), the last record naming them all. Errors: engine_unavailable, engine_failed, host_program_missing, host_device_missing. */
  launch(plan: LaunchPlan, onStarted: (record: VmmRecord) => Promise<void>, signal: AbortSignal): Promise<VmHandle>;
  /** Takes a VM over after a restart of the daemon; undefined when its process is gone. */
  adopt(record: VmmRecord): Promise<VmHandle | undefined>;
  /** The cause of an end that nobody watched, as far as console and log still tell it. */
  inquest(record: VmmRecord): Promise<VmExit>;
  /** Ends whatever a record names and removes the sockets of its runtimeDir. Idempotent. For undo and reconcile. */
  clear(record: VmmRecord): Promise<void>;
  /** Ends what works in a VM's runtime directory although no record names it: the daemon was killed between the start and the journal. Idempotent. */
  sweep(runtimeDir: string): Promise<void>;
}

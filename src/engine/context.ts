import type { EventType, VmmEvent } from '../contract/resources/event.ts';
import type { Layout } from '../domain/layout.ts';
import type { Clock } from '../ports/clock.ts';
import type { Consoles } from '../ports/console-log.ts';
import type { GuestChannel } from '../ports/guest-channel.ts';
import type { GuestKit } from '../ports/guest-kit.ts';
import type { HostInfo } from '../ports/host-info.ts';
import type { HostNetwork } from '../ports/host-network.ts';
import type { Hypervisor, VmHandle } from '../ports/hypervisor.ts';
import type { ImageSource } from '../ports/image-source.ts';
import type { MountReader } from '../ports/mount-reader.ts';
import type { ProcessTable } from '../ports/process-table.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { VolumeStore } from '../ports/volume-store.ts';
import type { Locks } from './locks.ts';

/** What the use cases work with. Made once, in daemon/compose. */
export interface EnginePorts {
  readonly clock: Clock;
  readonly processes: ProcessTable;
  /** In order of preference. */
  readonly hypervisors: readonly Hypervisor[];
  readonly network: HostNetwork;
  readonly volumes: VolumeStore;
  readonly kit: GuestKit;
  readonly images: ImageSource;
  readonly channel: GuestChannel;
  readonly mountReader: MountReader;
  readonly consoles: Consoles;
  readonly store: StateStore;
  readonly host: HostInfo;
}

export interface EngineSettings {
  readonly subnet: string;
  /** The host's default engine. */
  readonly engine: 'auto' | 'firecracker' | 'cloud-hypervisor' | 'qemu';
  readonly layout: Layout;
}

export interface Context extends EnginePorts {
  readonly settings: EngineSettings;
  readonly locks: Locks;
  /** VMs whose VMM process this daemon watches, by id. */
  readonly handles: Map<string, VmHandle>;
  /** Called after every event. */
  readonly listeners: Set<(event: VmmEvent) => void>;
}

/** Records an event and tells the listeners. */
export function emit(context: Context, type: EventType, subject: string, message: string): void {
  const event = context.store.appendEvent({ type, subject, message, at: context.clock.now() });
  for (const listener of context.listeners) listener(event);
}

/** How a use case reports long work. */
export interface Reporter {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: {
    step: string;
    message: string;
    current?: number | undefined;
    total?: number | undefined;
  }) => void;
  readonly onNotice: (message: string) => void;
}

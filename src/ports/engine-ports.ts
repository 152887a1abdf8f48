import type { Clock } from './clock.ts';
import type { Consoles } from './console-log.ts';
import type { GuestChannel } from './guest-channel.ts';
import type { GuestKit } from './guest-kit.ts';
import type { HostInfo } from './host-info.ts';
import type { HostNetwork } from './host-network.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { ImageSource } from './image-source.ts';
import type { MountReader } from './mount-reader.ts';
import type { ProcessTable } from './process-table.ts';
import type { StateStore } from './state-store.ts';
import type { VolumeStore } from './volume-store.ts';

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

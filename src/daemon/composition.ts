import type { HostConfig } from '../contract/resources/host.ts';
import type { Vm } from '../contract/resources/vm.ts';
import type { EngineHandlers } from './http/handlers.ts';
import type { Logger } from './logger.ts';

/** The engine as the daemon holds it. */
export interface Composition {
  readonly handlers: EngineHandlers;
  /** VMs whose VMM process lives or is being started; the daemon stays while there is one. */
  running(): number;
  vms(): readonly Vm[];
  /** Called after any change of `vms()`; the listener is cheap and may be called often. */
  onChange(listener: () => void): void;
  /** Lets go of everything without touching a VM. */
  close(): Promise<void>;
}

/** Makes the engine: opens the state, reconciles, adopts running VMs. The signal fires when the daemon is told to stop meanwhile. */
export type Compose = (settings: HostConfig, logger: Logger, signal: AbortSignal) => Promise<Composition>;

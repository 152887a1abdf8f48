import type { EventType, VmmEvent } from '../contract/resources/event.ts';
import type { Layout } from '../domain/layout.ts';
import type { EnginePorts } from '../ports/engine-ports.ts';
import type { VmHandle } from '../ports/hypervisor.ts';
import type { Locks } from './locks.ts';

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

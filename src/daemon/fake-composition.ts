/** An engine for tests of the daemon: every operation is refused but those that the test gives. */
import { VmmError } from '../contract/errors.ts';
import { operations } from '../contract/operations.ts';
import { type Vm, vmSpecSchema } from '../contract/resources/vm.ts';
import type { Composition } from './composition.ts';
import type { EngineHandlers } from './http/handlers.ts';

export function fakeHandlers(given: Partial<EngineHandlers> = {}): EngineHandlers {
  const refused = Object.keys(operations).map((id) => [
    id,
    async () => {
      throw new VmmError('not_supported', `${id} has no fake.`);
    },
  ]);
  // Every id of the table has a handler by construction.
  return { ...(Object.fromEntries(refused) as EngineHandlers), ...given };
}

export interface FakeComposition extends Composition {
  setVms(vms: readonly Vm[]): void;
  closed: boolean;
}

export function fakeComposition(given: Partial<EngineHandlers> = {}): FakeComposition {
  let vms: readonly Vm[] = [];
  const listeners: (() => void)[] = [];
  const composition: FakeComposition = {
    handlers: fakeHandlers({ 'vm.list': async () => [...vms], ...given }),
    running: () => vms.filter((vm) => vm.status.phase === 'running').length,
    vms: () => vms,
    onChange: (listener) => listeners.push(listener),
    closed: false,
    close: async () => {
      composition.closed = true;
    },
    setVms(next) {
      vms = next;
      for (const listener of listeners) listener();
    },
  };
  return composition;
}

export function fakeVm(name: string, status: Partial<Vm['status']> = {}): Vm {
  return {
    id: `id-${name}`,
    name,
    createdAt: '2026-01-01T00:00:00.000Z',
    spec: vmSpecSchema.parse({}),
    status: { phase: 'stopped', ready: false, ...status },
  };
}

import { VmmError } from '../contract/errors.ts';
import type { VmPhase } from '../contract/resources/vm.ts';

/** In which phases each verb is legal, and what to type where it is not. Buttons and use cases read the same table. */
const legal = {
  start: { in: ['stopped', 'failed'], hint: (name: string) => `vmm wait ${name}` },
  stop: { in: ['starting', 'running', 'stopping'], hint: (name: string) => `vmm start ${name}` },
  delete: { in: ['stopped', 'failed'], hint: (name: string) => `vmm delete --force ${name}` },
  connect: { in: ['running'], hint: (name: string) => `vmm start ${name}` },
  syncMount: { in: ['stopped', 'failed'], hint: (name: string) => `vmm stop ${name}` },
  pullMount: { in: ['stopped', 'failed'], hint: (name: string) => `vmm stop ${name}` },
  removeMount: { in: ['stopped', 'failed'], hint: (name: string) => `vmm stop ${name}` },
  resizeDisk: { in: ['stopped', 'failed'], hint: (name: string) => `vmm stop ${name}` },
} as const satisfies Record<string, { in: readonly VmPhase[]; hint: (name: string) => string }>;

export type Verb = keyof typeof legal;

const phrases: Record<Verb, string> = {
  start: 'be started',
  stop: 'be stopped',
  delete: 'be deleted',
  connect: 'be reached',
  syncMount: 'have a mount synced',
  pullMount: 'have a mount pulled',
  removeMount: 'lose a mount',
  resizeDisk: 'have its disk grown',
};

export function may(verb: Verb, phase: VmPhase): boolean {
  return (legal[verb].in as readonly VmPhase[]).includes(phase); // widened: the table's own literals are narrower
}

/** Throws illegal_state with the command that leads out. */
export function assertMay(
  verb: Verb,
  vm: { readonly name: string; readonly status: { readonly phase: VmPhase } },
): void {
  if (may(verb, vm.status.phase)) return;
  const state = vm.status.phase === 'failed' ? 'failed to start' : `is ${vm.status.phase}`;
  throw new VmmError('illegal_state', `VM ${vm.name} ${state} and cannot ${phrases[verb]}.`, {
    hint: legal[verb].hint(vm.name),
  });
}

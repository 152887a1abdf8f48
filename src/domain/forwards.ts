import { VmmError } from '../contract/errors.ts';
import type { Forward } from '../contract/resources/vm.ts';

interface Owner {
  readonly name: string;
  readonly forwards: readonly Forward[];
}

export function showForward(forward: Forward): string {
  return `${forward.bind}:${forward.hostPort}/${forward.protocol}`;
}

/** The same protocol and port on addresses that meet: 0.0.0.0 meets every address. */
export function collide(a: Forward, b: Forward): boolean {
  const sameAddress = a.bind === b.bind || a.bind === '0.0.0.0' || b.bind === '0.0.0.0';
  return a.protocol === b.protocol && a.hostPort === b.hostPort && sameAddress;
}

/** Throws port_in_use when a forward meets one of the owners'. Stopped VMs count: their ports come back with them. */
export function assertNoCollision(wanted: Forward, owners: readonly Owner[]): void {
  const owner = owners.find(({ forwards }) => forwards.some((forward) => collide(forward, wanted)));
  if (owner === undefined) return;
  throw new VmmError('port_in_use', `Host port ${showForward(wanted)} is forwarded to VM ${owner.name} already.`, {
    hint: `vmm port-forward remove ${owner.name} ${wanted.hostPort}${wanted.protocol === 'udp' ? '/udp' : ''}, or choose another port`,
  });
}

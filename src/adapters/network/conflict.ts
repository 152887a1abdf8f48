import { VmmError } from '../../contract/errors.ts';
import type { Link, Route } from './ip.ts';
import { type NetworkPlan, overlaps, parseNetwork } from './plan.ts';

export interface Conflict {
  readonly interface: string;
  readonly network: string;
}

/** Routes as wide as these are other spellings of the default route (OpenVPN's 0.0.0.0/1 and 128.0.0.0/1). */
const widestRoute = 1;

/** What of the host the subnet would shadow: an address or a route of another interface. */
export function findConflict(
  plan: NetworkPlan,
  links: readonly Link[],
  routes: readonly Route[],
): Conflict | undefined {
  for (const link of links) {
    if (link.ifname === plan.bridge) continue;
    for (const { family, local, prefixlen } of link.addr_info) {
      const network = family === 'inet' ? parseNetwork(`${local}/${prefixlen}`) : undefined;
      if (network === undefined || !overlaps(plan.subnet, network)) continue;
      return { interface: link.ifname, network: `${local}/${prefixlen}` };
    }
  }
  for (const route of routes) {
    const device = route.dev ?? route.nexthops.find(({ dev }) => dev !== undefined)?.dev ?? `a ${route.type} route`;
    if (device === plan.bridge || ['local', 'broadcast', 'multicast', 'anycast'].includes(route.type)) continue;
    const network = parseNetwork(route.dst);
    if (network === undefined || network[1] <= widestRoute || !overlaps(plan.subnet, network)) continue;
    return { interface: device, network: route.dst };
  }
  return undefined;
}

export function subnetConflict(plan: NetworkPlan, conflict: Conflict): VmmError {
  return new VmmError(
    'subnet_conflict',
    `The subnet ${plan.cidr} of VMs collides with ${conflict.network} on ${conflict.interface}.`,
    { hint: 'Choose a free one: vmm config set subnet 10.87.0.0/16' },
  );
}

import { z } from 'zod';
import { VmmError } from '../../contract/errors.ts';
import { ipv4Schema, macSchema } from '../../contract/resources/names.ts';
import { forwardSchema } from '../../contract/resources/vm.ts';
import type { NetworkMember } from '../../ports/host-network.ts';
import { contains, isInterfaceName, type NetworkPlan } from './plan.ts';

export type Family = 'inet' | 'bridge';

/** One element of a set or map of our tables. `value` is set for maps. */
export interface Element {
  readonly family: Family;
  readonly set: SetName;
  readonly key: string;
  readonly value?: string;
}

export type SetName = 'any_forwards' | 'bound_forwards' | 'hardware' | 'addresses' | 'arp_senders' | 'reflections';

const memberSchema = z.object({
  tap: z.string().refine(isInterfaceName),
  mac: macSchema,
  ip: ipv4Schema,
  forwards: z.array(forwardSchema),
});

/** What one VM adds to the tables. Only values that were parsed here ever become nftables text. */
export function elementsOf(member: NetworkMember): readonly Element[] {
  const { tap, mac, ip, forwards } = parseMember(member);
  const guest: Element[] = [
    { family: 'bridge', set: 'hardware', key: `"${tap}" . ${mac}` },
    { family: 'bridge', set: 'addresses', key: `"${tap}" . ${ip}` },
    { family: 'bridge', set: 'arp_senders', key: `"${tap}" . ${mac} . ${ip}` },
    { family: 'bridge', set: 'reflections', key: `"${tap}" . "${tap}"` },
  ];
  const outside = forwards.filter(({ bind }) => !isLoopback(bind));
  return guest.concat(
    outside.map(({ protocol, bind, hostPort, guestPort }): Element => {
      const value = `${ip} . ${guestPort}`;
      return bind === '0.0.0.0'
        ? { family: 'inet', set: 'any_forwards', key: `${protocol} . ${hostPort}`, value }
        : { family: 'inet', set: 'bound_forwards', key: `${bind} . ${protocol} . ${hostPort}`, value };
    }),
  );
}

/** Forwards bound to the host's loopback are served by local listeners alone. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}

export function assertInSubnet(plan: NetworkPlan, member: NetworkMember): void {
  if (contains(plan.subnet, member.ip)) return;
  throw new VmmError(
    'network_failed',
    `The address ${member.ip} of ${member.name} is outside the subnet ${plan.cidr}.`,
    {
      hint: `Choose another: vmm set ${member.name} --ip …`,
    },
  );
}

/** The elements of all, the first to claim a key winning; names the losers. */
export function uniqueElements(members: readonly NetworkMember[]): {
  readonly elements: readonly Element[];
  readonly refused: readonly string[];
} {
  const taken = new Map<string, Element>();
  const refused = new Set<string>();
  for (const member of members) {
    for (const element of elementsOf(member)) {
      const id = elementId(element);
      if (!taken.has(id)) taken.set(id, element);
      else refused.add(`${member.name} (${element.key})`);
    }
  }
  return { elements: [...taken.values()], refused: [...refused] };
}

export function elementId({ set, key }: Element): string {
  return `${set} ${key}`;
}

export function elementText({ key, value }: Element): string {
  return value === undefined ? key : `${key} : ${value}`;
}

function parseMember(member: NetworkMember): z.infer<typeof memberSchema> {
  const parsed = memberSchema.safeParse(member);
  if (parsed.success) return parsed.data;
  throw new VmmError('internal', `The network of ${member.name} is malformed: ${z.prettifyError(parsed.error)}`);
}

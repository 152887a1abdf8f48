import { type Element, elementText, type Family, type SetName } from './elements.ts';
import type { NetworkPlan } from './plan.ts';

interface SetShape {
  readonly family: Family;
  readonly kind: 'set' | 'map';
  readonly name: SetName;
  readonly type: string;
}

interface ChainShape {
  readonly family: Family;
  readonly name: string;
  /** For base chains. They accept by policy and drop by rule: a new base chain is hooked in before its rules are live. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

const sets: readonly SetShape[] = [
  { family: 'inet', kind: 'map', name: 'any_forwards', type: 'inet_proto . inet_service : ipv4_addr . inet_service' },
  {
    family: 'inet',
    kind: 'map',
    name: 'bound_forwards',
    type: 'ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service',
  },
  { family: 'bridge', kind: 'set', name: 'hardware', type: 'ifname . ether_addr' },
  { family: 'bridge', kind: 'set', name: 'addresses', type: 'ifname . ipv4_addr' },
  { family: 'bridge', kind: 'set', name: 'arp_senders', type: 'ifname . ether_addr . ipv4_addr' },
  { family: 'bridge', kind: 'set', name: 'reflections', type: 'ifname . ifname' },
];

/**
 * Forwards. `fib daddr type local` takes only what is meant for the host itself, so a guest's own connection to the same port
 * elsewhere passes untouched. `output` serves the host's own connections to its addresses; its loopback is served by listeners
 * in the daemon, so that route_localnet stays off and no guest ever reaches the host's loopback.
 *
 * Forwarding. Into the bridge go answers, forwards and guest-to-guest traffic (which passes here when br_netfilter is loaded);
 * a neighbour of the host who routes the subnet to it does not get in. What guests may reach of the host itself is left to the
 * host's own firewall: they are like any other machine on its networks.
 */
function routedChains({ bridge, cidr, hostInterface }: NetworkPlan): readonly ChainShape[] {
  const wayOut = hostInterface === '' ? `oifname != "${bridge}"` : `oifname "${hostInterface}"`;
  return [
    {
      family: 'inet',
      name: 'forwards',
      rules: [
        'dnat ip to ip daddr . meta l4proto . th dport map @bound_forwards',
        'dnat ip to meta l4proto . th dport map @any_forwards',
      ],
    },
    {
      family: 'inet',
      name: 'prerouting',
      hook: 'type nat hook prerouting priority dstnat; policy accept;',
      rules: ['fib daddr type local jump forwards'],
    },
    {
      family: 'inet',
      name: 'output',
      hook: 'type nat hook output priority -100; policy accept;',
      rules: ['ip daddr != 127.0.0.0/8 fib daddr type local jump forwards'],
    },
    {
      family: 'inet',
      name: 'postrouting',
      hook: 'type nat hook postrouting priority srcnat; policy accept;',
      rules: [
        `ip saddr ${cidr} oifname "${bridge}" ct status dnat masquerade`,
        `ip saddr ${cidr} ip daddr != ${cidr} ${wayOut} masquerade`,
      ],
    },
    {
      family: 'inet',
      name: 'forward',
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: [
        `oifname != "${bridge}" accept`,
        'ct direction reply accept',
        'ct state related accept',
        'ct status dnat accept',
        `iifname "${bridge}" accept`,
        'drop',
      ],
    },
  ];
}

/**
 * A tap of ours passes ARP and IPv4 with the addresses given to its VM and nothing else: no other MAC or IP, no IPv6 (so no
 * router advertisements), no VLAN tags, no DHCP answers. The device group tells our taps from other ports of the bridge; `meta
 * ibrname` would need a kernel option (NFT_BRIDGE_META) that some kernels lack. Ports reflect (hairpin), so that a VM reaches
 * its own forward where br_netfilter does the DNAT inside the bridge; but no guest hears its own broadcasts.
 */
function bridgedChains({ group }: NetworkPlan): readonly ChainShape[] {
  return [
    {
      family: 'bridge',
      name: 'guests',
      hook: 'type filter hook prerouting priority filter; policy accept;',
      rules: [
        `iifgroup != ${group} accept`,
        'iifname . ether saddr != @hardware drop',
        'ether type arp iifname . arp saddr ether . arp saddr ip @arp_senders accept',
        // A probe whether an address is free (RFC 5227) has no sender address yet.
        'ether type arp arp operation request arp saddr ip 0.0.0.0 iifname . arp saddr ether @hardware accept',
        'ether type != ip drop',
        'ip daddr 127.0.0.0/8 drop',
        'udp sport 67 udp dport 68 drop',
        'iifname . ip saddr @addresses accept',
        'drop',
      ],
    },
    {
      family: 'bridge',
      name: 'reflected',
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: ['meta pkttype { broadcast, multicast } iifname . oifname @reflections drop'],
    },
  ];
}

/**
 * Our tables hold exactly these elements and rules: one transaction of nft(8). The tables and their base chains stay when they
 * are there: made anew, they would be hooked in before the old ones (nf_hook_entries_grow in the kernel's netfilter/core.c), and a
 * packet between the two at the moment of the change could miss the rules of both.
 */
export function renderRuleset(plan: NetworkPlan, elements: readonly Element[]): string {
  const { table } = plan;
  const flushes = [
    ...families.map((family) => `flush table ${family} ${table}\n`),
    ...sets.map(({ family, kind, name }) => `flush ${kind} ${family} ${table} ${name}\n`),
  ];
  return [renderShapes(plan), ...flushes, renderContents(plan, elements)].join('');
}

/** The same with tables made anew, for the case that another version of vmm left them in another shape. */
export function renderAnew(plan: NetworkPlan, elements: readonly Element[]): string {
  return [renderRemoval(plan), renderShapes(plan), renderContents(plan, elements)].join('');
}

/** Removes both tables, whether they exist or not: adding one that exists does nothing. */
export function renderRemoval({ table }: NetworkPlan): string {
  return families.map((family) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`).join('');
}

/**
 * One transaction that takes `gone` out and puts `come` in. An element is added before it is deleted, since deleting one that
 * is not there fails and would undo the rest.
 */
export function renderChange({ table }: NetworkPlan, gone: readonly Element[], come: readonly Element[]): string {
  const line = (verb: string, element: Element) =>
    `${verb} element ${element.family} ${table} ${element.set} { ${elementText(element)} }\n`;
  return [
    ...gone.map((element) => line('add', element) + line('delete', element)),
    ...come.map((element) => line('add', element)),
  ].join('');
}

const families: readonly Family[] = ['inet', 'bridge'];

function chainsOf(plan: NetworkPlan): readonly ChainShape[] {
  return [...routedChains(plan), ...bridgedChains(plan)];
}

/** Tables, sets and chains without contents. Declaring what exists in the same shape does nothing. */
function renderShapes(plan: NetworkPlan): string {
  return families
    .map((family) => {
      const own = <T extends { readonly family: Family }>(shapes: readonly T[]) =>
        shapes.filter((shape) => shape.family === family);
      return [
        `table ${family} ${plan.table} {\n`,
        ...own(sets).map(({ kind, name, type }) => `  ${kind} ${name} { type ${type}; }\n`),
        ...own(chainsOf(plan)).map(({ name, hook }) => `  chain ${name} { ${hook ?? ''} }\n`),
        '}\n',
      ].join('');
    })
    .join('');
}

function renderContents(plan: NetworkPlan, elements: readonly Element[]): string {
  const { table } = plan;
  const filled = sets.flatMap(({ family, name }) => {
    const own = elements.filter(({ set }) => set === name);
    return own.length === 0
      ? []
      : `add element ${family} ${table} ${name} {\n  ${own.map(elementText).join(',\n  ')}\n}\n`;
  });
  const rules = chainsOf(plan).flatMap(({ family, name, rules }) =>
    rules.map((rule) => `add rule ${family} ${table} ${name} ${rule}\n`),
  );
  return [...filled, ...rules].join('');
}

import { type Element, elementText, type SetName } from './elements.ts';
import type { NetworkPlan } from './plan.ts';

/**
 * Our tables as one transaction of nft(8): made, emptied and filled, so that there is no moment without rules. Base chains
 * accept by policy and drop by rule: a new base chain is hooked in before its rules are live.
 *
 * Forwards. `fib daddr type local` takes only what is meant for the host itself, so a guest's own connection to the same port
 * elsewhere passes untouched. `output` serves the host's own connections to its addresses; its loopback is served by listeners
 * in the daemon, so that route_localnet stays off and no guest ever reaches the host's loopback.
 *
 * Forwarding. Into the bridge go answers, forwards and guest-to-guest traffic (which passes here when br_netfilter is loaded);
 * a neighbour of the host who routes the subnet to it does not get in. What guests may reach of the host itself is left to the
 * host's own firewall: they are like any other machine on its networks.
 *
 * Guests. A tap of ours passes ARP and IPv4 with the addresses given to its VM and nothing else: no other MAC or IP, no IPv6
 * (so no router advertisements), no VLAN tags, no DHCP answers. The device group tells our taps from other ports of the
 * bridge; `meta ibrname` would need a kernel option (NFT_BRIDGE_META) that some kernels lack. Ports reflect (hairpin), so that
 * a VM reaches its own forward where br_netfilter does the DNAT inside the bridge; but no guest hears its own broadcasts.
 */
export function renderRuleset(plan: NetworkPlan, elements: readonly Element[]): string {
  const { bridge, table, cidr, group } = plan;
  const wayOut = plan.hostInterface === '' ? `oifname != "${bridge}"` : `oifname "${plan.hostInterface}"`;
  const holding = (set: SetName) => elementsBlock(elements.filter((element) => element.set === set));
  return `${renderRemoval(plan)}
table inet ${table} {
  map any_forwards {
    type inet_proto . inet_service : ipv4_addr . inet_service
${holding('any_forwards')}  }
  map bound_forwards {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
${holding('bound_forwards')}  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump forwards
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local jump forwards
  }
  chain forwards {
    dnat ip to ip daddr . meta l4proto . th dport map @bound_forwards
    dnat ip to meta l4proto . th dport map @any_forwards
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${cidr} oifname "${bridge}" ct status dnat masquerade
    ip saddr ${cidr} ip daddr != ${cidr} ${wayOut} masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname != "${bridge}" accept
    ct direction reply accept
    ct state related accept
    ct status dnat accept
    iifname "${bridge}" accept
    drop
  }
}
table bridge ${table} {
  set hardware {
    type ifname . ether_addr
${holding('hardware')}  }
  set addresses {
    type ifname . ipv4_addr
${holding('addresses')}  }
  set arp_senders {
    type ifname . ether_addr . ipv4_addr
${holding('arp_senders')}  }
  set reflections {
    type ifname . ifname
${holding('reflections')}  }
  chain guests {
    type filter hook prerouting priority filter; policy accept;
    iifgroup != ${group} accept
    iifname . ether saddr != @hardware drop
    ether type arp iifname . arp saddr ether . arp saddr ip @arp_senders accept
    ether type arp arp operation request arp saddr ip 0.0.0.0 iifname . arp saddr ether @hardware accept
    ether type != ip drop
    ip daddr 127.0.0.0/8 drop
    udp sport 67 udp dport 68 drop
    iifname . ip saddr @addresses accept
    drop
  }
  chain reflected {
    type filter hook forward priority filter; policy accept;
    meta pkttype { broadcast, multicast } iifname . oifname @reflections drop
  }
}
`;
}

/** Removes both tables, whether they exist or not: adding one that exists does nothing. */
export function renderRemoval({ table }: NetworkPlan): string {
  return ['inet', 'bridge']
    .flatMap((family) => [`add table ${family} ${table}`, `delete table ${family} ${table}`])
    .join('\n');
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

function elementsBlock(elements: readonly Element[]): string {
  return elements.length === 0 ? '' : `    elements = { ${elements.map(elementText).join(',\n      ')} }\n`;
}

import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { VmmError } from '../../contract/errors.ts';
import { parseSubnet } from '../../domain/addresses.ts';
import type { NetworkSettings } from '../../ports/host-network.ts';

/** An IPv4 network as ipaddr.js has it: base address and prefix length. */
export type Network = [ipaddr.IPv4, number];

/** Every name and number that follows from the settings, so that several instances live side by side. */
export interface NetworkPlan {
  readonly bridge: string;
  readonly subnet: Network;
  /** The subnet in CIDR form, with its host bits cleared. */
  readonly cidr: string;
  /** The bridge's own address: the first host address. */
  readonly gateway: string;
  readonly prefix: number;
  /** Fixed: a bridge without an address of its own takes that of a port, and guests lose their neighbour with every tap. */
  readonly mac: string;
  /** Device group of the bridge and its taps. Marks them as ours, and lets the bridge table tell our taps from other ports. */
  readonly group: number;
  /** Name of our nftables tables, one in the family inet and one in the family bridge. */
  readonly table: string;
  /** Empty: masquerade on every interface but the bridge. */
  readonly hostInterface: string;
}

/** Names that are safe as arguments and inside quotes of nftables; 15 bytes is the kernel's limit (IFNAMSIZ). */
const interfaceName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;

export function isInterfaceName(name: string): boolean {
  return interfaceName.test(name);
}

export function planNetwork(settings: NetworkSettings): NetworkPlan {
  const { bridge, hostInterface } = settings;
  // A dot would be read as a level of /proc/sys.
  if (!isInterfaceName(bridge) || bridge.includes('.')) {
    throw invalidSetting('bridge_name', `"${bridge}" is no name for a bridge`);
  }
  if (hostInterface !== '' && !isInterfaceName(hostInterface)) {
    throw invalidSetting('host_interface', `"${hostInterface}" is no name of an interface`);
  }
  const { cidr, gateway, prefix } = parseSubnet(settings.subnet);
  const [base] = ipaddr.IPv4.parseCIDR(cidr);
  const digest = createHash('sha256').update(`${bridge} ${cidr}`).digest();
  return {
    bridge,
    subnet: [base, prefix],
    cidr,
    gateway,
    prefix,
    mac: ['02', ...Array.from(digest.subarray(0, 5), (byte) => byte.toString(16).padStart(2, '0'))].join(':'),
    group: 0x1_0000 + (createHash('sha256').update(bridge).digest().readUInt32BE(0) % 0x7000_0000),
    table: `vmm_${bridge}`,
    hostInterface,
  };
}

/** The network of `a.b.c.d/n`, or of a lone address; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const cidr = text.includes('/') ? text : `${text}/32`;
  if (!ipaddr.IPv4.isValidCIDR(cidr)) return undefined;
  const [, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  return [ipaddr.IPv4.networkAddressFromCIDR(cidr), prefix];
}

export function overlaps(a: Network, b: Network): boolean {
  return a[0].match(b[0], Math.min(a[1], b[1]));
}

export function contains(network: Network, address: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address) && ipaddr.IPv4.parse(address).match(network);
}

function invalidSetting(key: string, what: string): VmmError {
  return new VmmError('invalid_config', `The setting ${key} cannot be used: ${what}.`, {
    hint: `Set it with: vmm config set ${key} …`,
  });
}

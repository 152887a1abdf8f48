import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { VmmError } from '../contract/errors.ts';

/** An IPv4 subnet as whole numbers, so that any prefix size is plain arithmetic. */
export interface Subnet {
  readonly cidr: string;
  readonly prefix: number;
  /** First and last address a guest may have; the bridge has the one before `first`. */
  readonly first: number;
  readonly last: number;
  readonly gateway: string;
}

/** Throws invalid_config when the text is no IPv4 subnet with room for a bridge and one guest (at most /30). */
export function parseSubnet(text: string): Subnet {
  const [address, prefix] = parseCidr(text);
  if (prefix < 8 || prefix > 30) throw badSubnet(text);
  const size = 2 ** (32 - prefix);
  const network = Math.floor(toNumber(address) / size) * size;
  return {
    cidr: `${toAddress(network)}/${prefix}`,
    prefix,
    first: network + 2,
    last: network + size - 2,
    gateway: toAddress(network + 1),
  };
}

function parseCidr(text: string): [string, number] {
  try {
    const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
    return [address.toString(), prefix];
  } catch {
    throw badSubnet(text);
  }
}

function badSubnet(text: string): VmmError {
  return new VmmError('invalid_config', `"${text}" is no IPv4 subnet from /8 to /30.`, {
    hint: 'vmm config set subnet 172.16.0.0/16',
  });
}

export function contains(subnet: Subnet, address: string): boolean {
  const number = toNumber(address);
  return number >= subnet.first && number <= subnet.last;
}

/** The lowest free address, counting from the second host address upward. Throws subnet_exhausted. */
export function nextAddress(subnet: Subnet, taken: ReadonlySet<string>): string {
  for (let candidate = subnet.first; candidate <= subnet.last; candidate += 1) {
    const address = toAddress(candidate);
    if (!taken.has(address)) return address;
  }
  throw new VmmError(
    'subnet_exhausted',
    `All ${subnet.last - subnet.first + 1} addresses of ${subnet.cidr} are given.`,
    {
      hint: 'Delete a VM that you no longer need, or choose a larger subnet: vmm config set subnet 10.64.0.0/16',
    },
  );
}

/** A locally administered unicast MAC (IEEE 802: second bit of the first octet) from the VM's id: stable, 40 bits wide. */
export function macFor(vmId: string): string {
  const bytes = createHash('sha256').update(vmId).digest().subarray(0, 5);
  return ['02', ...Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Interface names have at most 15 characters (IFNAMSIZ in net/if.h). */
export function tapFor(vmId: string): string {
  return `vmt${vmId.slice(0, 12)}`;
}

function toNumber(address: string): number {
  return ipaddr.IPv4.parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256 + byte, 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

import { isIP, isIPv4 } from 'node:net';
import { VmmError } from '../../contract/errors.ts';

/** DNS servers as --dns gives them. Throws invalid_input. */
export function parseDns(servers: readonly string[]): string[] {
  for (const server of servers) {
    if (isIP(server) !== 0) continue;
    throw new VmmError('invalid_input', `"${server}" is no address of a DNS server.`, {
      hint: 'Give IP addresses: --dns 9.9.9.9 --dns 1.1.1.1',
    });
  }
  return [...servers];
}

/** The guest's address as --ip gives it. Whether it is in the subnet is the daemon's to say. Throws invalid_input. */
export function parseGuestAddress(text: string): string {
  if (isIPv4(text)) return text;
  throw new VmmError('invalid_input', `"${text}" is no address for --ip.`, {
    hint: 'Give an IPv4 address of the subnet, which `vmm config show` names: --ip 172.16.0.9',
  });
}

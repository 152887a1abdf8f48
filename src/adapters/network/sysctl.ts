import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import { reasonOf, systemCode } from './failure.ts';

/** Switches IPv4 forwarding on when it is off. It is never switched off again: others may have come to need it. */
export async function ensureForwarding(procSys: string): Promise<string | undefined> {
  if (await isForwarding(procSys)) return undefined;
  try {
    await writeFile(join(procSys, 'net/ipv4/ip_forward'), '1');
  } catch (thrown) {
    throw new VmmError('network_failed', `IP forwarding could not be switched on: ${reasonOf(thrown)}`, {
      hint: 'Run: sysctl -w net.ipv4.ip_forward=1',
      cause: thrown,
    });
  }
  return 'IP forwarding was switched on (net.ipv4.ip_forward=1), since VMs need it. It stays on; after a reboot it is switched on again when needed.';
}

export async function isForwarding(procSys: string): Promise<boolean> {
  return (await readFile(join(procSys, 'net/ipv4/ip_forward'), 'utf8')).trim() === '1';
}

/** Guests have no IPv6, so the host shall not speak it to them either. */
export async function disableIpv6(procSys: string, link: string): Promise<void> {
  try {
    await writeFile(join(procSys, 'net/ipv6/conf', link, 'disable_ipv6'), '1');
  } catch (thrown) {
    // ENOENT: a kernel without IPv6. EROFS: a container; link-local traffic of the host is harmless there.
    if (!['ENOENT', 'EROFS', 'EACCES'].includes(systemCode(thrown) ?? '')) throw thrown;
  }
}

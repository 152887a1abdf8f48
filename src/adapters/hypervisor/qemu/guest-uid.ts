import { createHash } from 'node:crypto';

/** Far above what adduser, systemd and container engines give out, below 2^31. */
const firstUid = 0x6d000000;
const uids = 0x01000000;

/**
 * The user that a VM's QEMU becomes: another for each VM, so that one that was broken out of cannot signal or trace the
 * rest. Undefined where we are not root and cannot change it.
 */
export function guestUid(vmId: string): number | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const digest = createHash('sha256').update(vmId).digest();
  return firstUid + (digest.readUInt32BE(0) % uids);
}

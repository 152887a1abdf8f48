import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';

export interface HostFiles {
  readonly kvmDevice: string;
  readonly cpuinfo: string;
}

export const hostFiles: HostFiles = { kvmDevice: '/dev/kvm', cpuinfo: '/proc/cpuinfo' };

/** `possible`: a canary guest has to prove it. */
export type KvmHint =
  | { readonly possible: true }
  | { readonly possible: false; readonly reason: string; readonly hint?: string };

/** The cheap signs. They can rule KVM out and never prove it: some nested hosts open /dev/kvm and cannot boot a kernel. */
export async function kvmHint(files: HostFiles): Promise<KvmHint> {
  const cpuinfo = await readFile(files.cpuinfo, 'utf8').catch(() => '');
  if (!/^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo)) {
    return {
      possible: false,
      reason: 'the cpu shows no hardware virtualization (neither vmx nor svm in /proc/cpuinfo)',
      hint: 'Switch it on in the firmware, or in the settings of the machine that runs this host.',
    };
  }
  try {
    await using device = await open(files.kvmDevice, constants.O_RDWR);
    void device;
    return { possible: true };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT') {
      return {
        possible: false,
        reason: `${files.kvmDevice} is missing`,
        hint: 'sudo modprobe kvm_intel (or kvm_amd)',
      };
    }
    return {
      possible: false,
      reason: `${files.kvmDevice} cannot be opened (${code})`,
      hint: 'Run the daemon as root, or add its user to the group kvm.',
    };
  }
}

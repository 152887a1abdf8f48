import { VmmError } from '../../../contract/errors.ts';

interface Pattern {
  readonly matches: RegExp;
  readonly error: (found: RegExpExecArray, detail: string) => VmmError;
}

/** What QEMU says when it cannot start, and what to do about it. The first match wins. */
const patterns: readonly Pattern[] = [
  {
    matches: /could not open \/dev\/net\/tun: (.*)/i,
    error: (found, detail) =>
      new VmmError('host_device_missing', `/dev/net/tun cannot be opened: ${found[1]}.`, {
        hint: 'sudo modprobe tun',
        detail,
      }),
  },
  {
    matches: /could not configure \/dev\/net\/tun \(([^)]*)\): (.*)/i,
    error: (found, detail) =>
      new VmmError('network_failed', `The tap ${found[1]} cannot be used: ${found[2]}.`, {
        hint: `See who holds it: ip -details link show ${found[1]}`,
        detail,
      }),
  },
  {
    matches: /could not access KVM|failed to initialize kvm|\/dev\/kvm/i,
    error: (_, detail) =>
      new VmmError('host_device_missing', '/dev/kvm was usable before and is no more.', { hint: 'vmm doctor', detail }),
  },
  {
    matches: /cannot set up guest memory|cannot allocate memory|unable to (map|allocate).*memory/i,
    error: (_, detail) =>
      new VmmError('too_few_resources', 'The host has too little free memory for the guest.', {
        hint: 'See `free -m`; stop another VM, or give this one less with `vmm set <vm> --memory <MiB>`.',
        detail,
      }),
  },
  {
    matches: /failed to get (?:shared )?"(?:write|consistent read)" lock/i,
    error: (_, detail) =>
      new VmmError('engine_failed', 'Another process holds a disk of the VM.', {
        hint: 'Find it with `ps -ef | grep qemu-system`, and end it before the start.',
        detail,
      }),
  },
  {
    matches: /no space left on device/i,
    error: (_, detail) => new VmmError('disk_full', 'No space is left for the VM to start.', { hint: 'df -h', detail }),
  },
  {
    matches: /could not open '([^']*)': (.*)/i,
    error: (found, detail) =>
      new VmmError('engine_failed', `QEMU cannot open ${found[1]}: ${found[2]}.`, {
        hint: `See whether it is there: ls -l '${found[1]}'`,
        detail,
      }),
  },
  {
    matches:
      /could not open kernel file|could not load (?:kernel|initrd)|error loading (?:uncompressed )?kernel|kernel too old/i,
    error: (_, detail) =>
      new VmmError('engine_failed', 'QEMU cannot load the kernel or its initramfs.', {
        hint: 'Make them anew: vmm image pull',
        detail,
      }),
  },
];

/** The error of a QEMU that ended before its guest could start, from what it said. */
export function startFailure(vmName: string, said: string): VmmError {
  const detail = said.trim().slice(-4_000);
  for (const { matches, error } of patterns) {
    const found = matches.exec(detail);
    if (found !== null) return error(found, detail);
  }
  return new VmmError('engine_failed', `QEMU ended before the guest of ${vmName} could start.`, {
    hint: 'vmm doctor',
    ...(detail === '' ? {} : { detail }),
  });
}

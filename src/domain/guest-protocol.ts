/**
 * What host and guest/init agree on. The host never writes into a guest's file system: all it has to say is on the
 * kernel command line and in the seed, a tar on a read-only drive.
 *
 * Drives, in order: /dev/vda the VM's disk; /dev/vdb, vdc … the copy mounts; then, found by label or magic and not by
 * letter: the base image (ext4 label `vmm-base`, overlay disks only), the seed (a tar whose first member is `vmm-seed`),
 * the kernel's modules and the kit's programs (ext4 label `vmm-modules`). The search goes from the last drive to the
 * first and leaves /dev/vda out, so what a guest writes to its own drives is never taken for ours.
 *
 * When guest/init must give up it prints `vmm: cannot boot: <reason>`, and its end is a kernel panic. In the guest the
 * kit's drive is at `/run/vmm/kit` (all of busybox in its `bin`, for what an image lacks), the unpacked seed at `/run/vmm/seed` (root's alone). Of root's
 * authorized_keys the block between `# vmm: begin …` and `# vmm: end` is ours and replaced at each start; keys that
 * somebody added in the guest stay.
 */
export const labels = { base: 'vmm-base', upper: 'vmm-upper', modules: 'vmm-modules' } as const;

/** `vmm.role=`: a VM; a canary that prints `canaryMark` and powers off; a reader that streams /dev/vda's tree as tar to the port `readerPort` and powers off. */
export type GuestRole = 'vm' | 'canary' | 'reader';
export const canaryMark = 'vmm-canary-ok';
/** Printed by guest/init when it begins and right before it hands over to the image's init. */
export const initBeginMark = 'vmm: init';
export const handOverMark = 'vmm: starting';
/** Names of the virtio-serial ports. */
export const agentPort = 'org.qemu.guest_agent.0';
export const readerPort = 'vmm.reader.0';

/** `vmm.root=overlay`: the base below, /dev/vda above. `vmm.root=disk`: /dev/vda itself, grown to its device at boot. */
export type RootKind = 'overlay' | 'disk';

/** `net.ifnames=0`: an image's udev must not rename the interface that is configured already. */
export function vmKernelArgs(root: RootKind): string[] {
  return ['vmm.role=vm', `vmm.root=${root}`, 'net.ifnames=0'];
}

/** Files of the seed. `config` and `network` hold `KEY=value` lines, each value in single quotes as in POSIX sh (so `'\''` is a quote) and without a newline. They are parsed, never evaluated. */
export const seedFiles = {
  magic: 'vmm-seed',
  hostname: 'hostname',
  machineId: 'machine-id',
  resolvConf: 'resolv.conf',
  hosts: 'hosts',
  authorizedKeys: 'authorized_keys',
  hostKey: 'ssh_host_ed25519_key',
  hostKeyPublic: 'ssh_host_ed25519_key.pub',
  /** ADDRESS='172.16.0.2/16' GATEWAY='172.16.0.1' MAC='…' MTU='1500' */
  network: 'network',
  /** One line a mount: `<tag> <ro|rw> <copy|live> <vdb|->`. */
  mounts: 'mounts',
  /** INIT='/sbin/init' or empty for the tiny init; SSHD='1' when the image has its own; AGENT='1' likewise; WORKDIR, RUN_AS. */
  config: 'config',
  /** ENTRYPOINT and CMD, one argument a file: argv/0, argv/1 … */
  argv: (index: number) => `argv/${index}`,
  /** Environment, one `NAME=value` a file: env/0 … */
  env: (index: number) => `env/${index}`,
} as const;

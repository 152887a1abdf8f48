import { VmmError } from '../../contract/errors.ts';

/** Debian's and Ubuntu's package of each program that is not in a package of its own name. */
const packages: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  nft: 'nftables',
  ip: 'iproute2',
  ss: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  sysctl: 'procps',
  'mkfs.ext4': 'e2fsprogs',
  mke2fs: 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  tune2fs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  scp: 'openssh-client',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  xz: 'xz-utils',
  gzip: 'gzip',
  find: 'findutils',
  depmod: 'kmod',
  modprobe: 'kmod',
  modinfo: 'kmod',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  busybox: 'busybox-static',
  'qemu-ga': 'qemu-guest-agent',
  dropbear: 'dropbear-bin',
  strip: 'binutils',
};

/** The error for a program that is not there, with what to type to have it. */
export function hostProgramMissing(program: string, cause?: unknown): VmmError {
  const name = program.slice(program.lastIndexOf('/') + 1);
  return new VmmError('host_program_missing', `The program ${program} is not installed.`, {
    hint: `sudo apt-get install ${packages[name] ?? name}`,
    cause,
  });
}

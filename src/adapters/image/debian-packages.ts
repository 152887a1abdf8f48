/** What a person expects of a small Debian or Ubuntu machine. */
export const imagePackages = [
  ...['systemd', 'systemd-sysv', 'udev', 'dbus', 'kmod', 'e2fsprogs', 'util-linux'],
  ...['openssh-server', 'qemu-guest-agent', 'iproute2', 'iputils-ping', 'netbase', 'ca-certificates', 'curl'],
  ...['sudo', 'procps', 'less', 'nano', 'vim-tiny'],
] as const;

/** Links in folders `<target>.wants` that systemd's packages bring, by target. */
const earlyUnits: Readonly<Record<string, readonly string[]>> = {
  // Work of the first boot of an installation (this image is prepared), and finding hardware that guest/init has found.
  'sysinit.target': [
    ...['systemd-firstboot.service', 'systemd-machine-id-commit.service', 'systemd-sysusers.service'],
    ...['ldconfig.service', 'systemd-journal-catalog-update.service', 'systemd-update-done.service'],
    ...['systemd-tmpfiles-setup-dev-early.service', 'systemd-pcrmachine.service'],
    ...['systemd-hwdb-update.service', 'systemd-repart.service', 'systemd-boot-system-token.service'],
    ...['systemd-pcrphase.service', 'systemd-pcrphase-sysinit.service', 'systemd-tpm2-setup.service'],
    ...['systemd-tpm2-setup-early.service', 'systemd-ask-password-console.path'],
    ...['systemd-udevd.service', 'systemd-udev-trigger.service'],
    ...['cryptsetup.target', 'integritysetup.target', 'veritysetup.target'],
  ],
  // dbus and logind start when somebody speaks to them; nobody is kept from logging in meanwhile.
  'multi-user.target': [
    ...['dbus.service', 'systemd-logind.service', 'systemd-user-sessions.service'],
    ...['systemd-update-utmp-runlevel.service', 'systemd-ask-password-wall.path'],
  ],
  // The first module that loads would wake udev, which reads all its rules: a second of an emulated boot.
  'sockets.target': ['systemd-udevd-control.socket', 'systemd-udevd-kernel.socket'],
  'graphical.target': ['systemd-update-utmp-runlevel.service'],
};

/** Nothing of this is needed to answer ssh: it follows ten seconds after the start, as part of vmm-late.target. */
export const lateUnits = [
  ...['systemd-udevd-control.socket', 'systemd-udevd-kernel.socket'],
  ...['systemd-journal-flush.service', 'systemd-update-utmp.service', 'systemd-random-seed.service'],
  ...['kmod-static-nodes.service', 'systemd-tmpfiles-setup-dev.service', 'systemd-binfmt.service'],
  ...['proc-sys-fs-binfmt_misc.automount', 'dev-hugepages.mount', 'dev-mqueue.mount'],
  ...['sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount', 'sys-fs-fuse-connections.mount'],
] as const;

/** Paths that dpkg leaves out, now and when the packages are upgraded in the guest. */
export function excludedPaths(): string[] {
  const links = Object.entries({
    ...earlyUnits,
    'sysinit.target': [...(earlyUnits['sysinit.target'] ?? []), ...lateUnits],
  });
  return [
    ...links.flatMap(([target, units]) => units.map((unit) => `*/lib/systemd/system/${target}.wants/${unit}`)),
    // Programs that every login would run for the sake of one line of greeting.
    '/etc/update-motd.d/*',
  ];
}

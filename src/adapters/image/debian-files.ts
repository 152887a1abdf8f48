import { excludedPaths, lateUnits } from './debian-packages.ts';
import { file, gone, link, type TreeChange } from './tree-files.ts';

const system = '/etc/systemd/system';

/** What is changed in the packages' tree so that it boots fast in a VM, and why. */
export function debianChanges(): TreeChange[] {
  return [...identity(), ...dpkg(), ...generators(), ...units(), ...lateTarget(), ...sshd(), ...logins()];
}

/** guest/setup writes these anew at each start; the image must not bring one that clones would share. */
function identity(): TreeChange[] {
  return [
    ...['/etc/hostname', '/etc/resolv.conf', '/var/lib/dbus/machine-id', '/var/lib/systemd/random-seed'].map(gone),
    ...['rsa', 'ecdsa', 'ed25519'].flatMap((type) =>
      ['', '.pub'].map((ending) => gone(`/etc/ssh/ssh_host_${type}_key${ending}`)),
    ),
    link('/var/lib/dbus/machine-id', '/etc/machine-id'),
    file('/etc/machine-id', ''),
    file('/etc/fstab', '# The root file system and /mnt/<tag> are mounted before systemd starts.\n'),
    // The one is Debian's place, the other systemd's and Ubuntu's.
    ...['/etc/default/locale', '/etc/locale.conf'].map((path) => file(path, 'LANG=C.UTF-8\n')),
    // Newer than /usr: what systemd does after an upgrade of the system (ConditionNeedsUpdate) is done.
    ...['/etc/.updated', '/var/.updated'].map((path) => file(path, '')),
  ];
}

function dpkg(): TreeChange[] {
  const lines = excludedPaths().map((path) => `path-exclude=${path}\n`);
  return [
    gone('/etc/dpkg/dpkg.cfg.d/99mmdebstrap'),
    file(
      '/etc/dpkg/dpkg.cfg.d/vmm',
      `# What a VM of this kind need not start, or starts later (vmm-late.target).\n${lines.join('')}`,
    ),
  ];
}

/** Generators that look for disks, consoles and installers this machine cannot have; each costs a process at each boot. */
function generators(): TreeChange[] {
  const names = [
    ...['bless-boot', 'cryptsetup', 'debug', 'getty', 'gpt-auto', 'hibernate-resume', 'integritysetup'],
    ...['rc-local', 'run', 'system-update', 'veritysetup'],
  ];
  return [
    ...names.map((name) => link(`/etc/systemd/system-generators/systemd-${name}-generator`, '/dev/null')),
    // Ubuntu's would turn sshd into a socket unit, which pays its start at every connection.
    link('/etc/systemd/system-generators/sshd-socket-generator', '/dev/null'),
  ];
}

function units(): TreeChange[] {
  const masked = ['systemd-remount-fs.service', 'systemd-pstore.service', 'getty@tty1.service', 'getty-static.service'];
  const tmpfiles = ['systemd-nologin', 'x11', 'provision', 'systemd-nspawn', 'portables', 'home', 'journal-nocow'];
  return [
    ...masked.map((unit) => link(`${system}/${unit}`, '/dev/null')),
    // Not for a machine that lives an hour, sleeps a month, and must not upgrade itself in the minute it wakes up.
    ...['apt-daily', 'apt-daily-upgrade', 'e2scrub_all', 'fstrim', 'motd-news'].map((timer) =>
      gone(`${system}/timers.target.wants/${timer}.timer`),
    ),
    gone(`${system}/multi-user.target.wants/e2scrub_reap.service`),
    gone(`${system}/multi-user.target.wants/remote-fs.target`),
    gone(`${system}/getty.target.wants/getty@tty1.service`),
    // guest/setup has configured the network; these would wait for links that are not theirs.
    gone(`${system}/network-online.target.wants`),
    // An empty list of modules is no reason to start a process; /etc/modules-load.d is read as ever.
    gone('/etc/modules-load.d/modules.conf'),
    ...tmpfiles.map((name) => link(`/etc/tmpfiles.d/${name}.conf`, '/dev/null')),
    // Without udev's cold plug there is no device unit to wait for.
    file(
      `${system}/qemu-guest-agent.service`,
      `[Unit]
Description=QEMU Guest Agent
ConditionPathExists=/dev/virtio-ports/org.qemu.guest_agent.0

[Service]
ExecStart=/usr/sbin/qemu-ga
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`,
    ),
    link(`${system}/multi-user.target.wants/qemu-guest-agent.service`, `${system}/qemu-guest-agent.service`),
  ];
}

function lateTarget(): TreeChange[] {
  return [
    file(
      `${system}/vmm-late.timer`,
      `[Unit]
Description=What a boot can do without, ten seconds later

[Timer]
OnStartupSec=10s
AccuracySec=1s
Unit=vmm-late.target

[Install]
WantedBy=timers.target
`,
    ),
    file(`${system}/vmm-late.target`, `[Unit]\nDescription=What a boot can do without\nWants=${lateUnits.join(' ')}\n`),
    link(`${system}/timers.target.wants/vmm-late.timer`, `${system}/vmm-late.timer`),
  ];
}

function sshd(): TreeChange[] {
  return [
    file(
      '/etc/ssh/sshd_config.d/vmm.conf',
      '# The one host key is given by the host at each start, so that it can be checked there.\nHostKey /etc/ssh/ssh_host_ed25519_key\n',
    ),
    // Nothing that sshd waits for by default is still to come: root, keys and network are there before systemd.
    file(
      `${system}/ssh.service.d/vmm.conf`,
      `[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStartPre=
`,
    ),
    gone(`${system}/sockets.target.wants/ssh.socket`),
    gone(`${system}/ssh.service.requires`),
    link(`${system}/multi-user.target.wants/ssh.service`, '/lib/systemd/system/ssh.service'),
  ];
}

/** Only administrators of the host reach the console. It starts a shell at the first key, so an unused one costs nothing. */
function logins(): TreeChange[] {
  return [
    file(
      `${system}/serial-getty@ttyS0.service`,
      `[Unit]
Description=Serial Getty on ttyS0
Documentation=man:agetty(8)

[Service]
ExecStart=-/sbin/agetty --autologin root --login-pause --keep-baud 115200,57600,38400,9600 ttyS0 vt220
Type=idle
Restart=always
UtmpIdentifier=ttyS0
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
TTYReset=yes
TTYVHangup=yes
IgnoreSIGPIPE=no
SendSIGHUP=yes

[Install]
WantedBy=getty.target
`,
    ),
    link(`${system}/getty.target.wants/serial-getty@ttyS0.service`, `${system}/serial-getty@ttyS0.service`),
  ];
}

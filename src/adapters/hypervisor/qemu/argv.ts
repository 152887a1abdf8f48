import { agentPort } from '../../../domain/guest-protocol.ts';
import type { BootFiles, Drive, Nic } from '../../../ports/hypervisor.ts';
import { runtimeFiles } from './runtime-files.ts';

/** The one program that serves every role here; host_program_missing names its package. */
export const qemuProgram = 'qemu-system-x86_64';

/** How guests are run on this host. `tscKhz` is for microvm under TCG, which cannot time its own clock. */
export type MachineChoice =
  | { readonly machine: 'microvm'; readonly acceleration: 'kvm' }
  | { readonly machine: 'microvm'; readonly acceleration: 'tcg'; readonly tscKhz: number }
  | { readonly machine: 'q35'; readonly acceleration: 'tcg' };

export interface GuestArguments {
  readonly choice: MachineChoice;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly boot: BootFiles;
  readonly kernelArgs: readonly string[];
  /** Kernel messages below "error" stay off the console. */
  readonly quiet: boolean;
  readonly sharedMemory: boolean;
  /** User and group that QEMU becomes; undefined: it stays who it is. */
  readonly uid: number | undefined;
}

/** Everything of a guest but its devices. */
export function guestArguments(guest: GuestArguments): string[] {
  const { choice } = guest;
  return [
    ['-name', `guest=${guest.name}`],
    // No default NIC, floppy, VGA or monitor, nor options from /etc/qemu.
    ['-nodefaults'],
    ['-no-user-config'],
    ['-display', 'none'],
    // A guest's reboot ends the process with a SHUTDOWN event; whether it starts again is not the engine's business.
    ['-no-reboot'],
    // Seccomp: no new programs, no obsolete calls, no resource control.
    [
      '-sandbox',
      `on,obsolete=deny,spawn=deny,resourcecontrol=deny${guest.uid === undefined ? ',elevateprivileges=deny' : ''}`,
    ],
    // Disks, tap and sockets are open by then; a guest that breaks out is nobody on the host. (elevateprivileges=deny
    // would forbid this very step; once it is done there is no way back.)
    guest.uid === undefined ? [] : ['-runas', `${guest.uid}:${guest.uid}`],
    ['-machine', machineOf(choice, guest.sharedMemory)],
    // Translated code may take 1 GiB a guest by default; a Debian's boot fills 128 MiB and is no slower with less.
    ['-accel', choice.acceleration === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=128'],
    // la57 costs an emulated guest a fifth level in each page walk, and nothing needs it. Lesser models than `max`
    // are faster, but images built for x86-64-v2 do not run on them.
    ['-cpu', choice.acceleration === 'kvm' ? 'host' : 'max,la57=off'],
    ['-smp', String(guest.cpus)],
    ['-m', `${guest.memoryMiB}M`],
    // virtiofsd maps the guest's memory, so both must share it.
    guest.sharedMemory ? ['-object', `memory-backend-memfd,id=mem,size=${guest.memoryMiB}M,share=on`] : [],
    // Modern virtio on the mmio bus: virtiofsd panics on the legacy one.
    ['-global', 'virtio-mmio.force-legacy=false'],
    // The uncompressed ELF kernel: nothing to unpack inside the guest (a sixth of an emulated boot).
    ['-kernel', guest.boot.vmlinuxPath],
    ['-initrd', guest.boot.initramfsPath],
    ['-append', kernelCommandLine(guest)],
  ].flat();
}

function machineOf(choice: MachineChoice, sharedMemory: boolean): string {
  const backend = sharedMemory ? ',memory-backend=mem' : '';
  // acpi=on: distribution kernels find virtio-mmio devices by ACPI alone, and a power-off ends the process. The pit, pic
  // and rtc stay as they are by default: under TCG the guest needs them.
  return choice.machine === 'microvm' ? `microvm,acpi=on${backend}` : `q35${backend}`;
}

function kernelCommandLine({ choice, kernelArgs, quiet }: GuestArguments): string {
  return [
    'console=ttyS0',
    // Triple fault: the one way to reboot that a microvm has. A panic reboots at once, and -no-reboot ends the process.
    'reboot=t',
    'panic=-1',
    ...(quiet ? ['quiet'] : []),
    // Self-tests of the crypto manager: 0.1 s of boot for code that the distribution has tested.
    'cryptomgr.notests',
    // RDRAND may seed the pool, so that nothing waits for entropy.
    'random.trust_cpu=on',
    'audit=0',
    // No security modules: their set-up costs boot time, and each guest is its own confinement.
    'lsm=',
    // Under TCG no guest code runs speculatively on the host's cpu as the attacks need it; with KVM they stay on.
    ...(choice.acceleration === 'tcg' ? ['mitigations=off'] : []),
    // The guest's check of its TSC fails when the host is busy, and leaves it a clock of 4 ms that loses time. Emulation
    // gives all cpus one counter that never goes back, so the check has nothing to find.
    ...(choice.acceleration === 'tcg' ? ['tsc=reliable'] : []),
    // An emulated microvm has no second clock to time the TSC with: the attempt hangs up to half of all boots.
    ...('tscKhz' in choice ? [`tsc_early_khz=${choice.tscKhz}`] : []),
    ...kernelArgs,
  ].join(' ');
}

/** Virtio devices sit on the mmio bus of a microvm and on PCI elsewhere. */
export function virtio(choice: MachineChoice, kind: string): string {
  return `virtio-${kind}-${choice.machine === 'microvm' ? 'device' : 'pci'}`;
}

/** The guest names disks /dev/vda, vdb … in the order of these devices (an integration test holds us to it). */
export function driveArguments(choice: MachineChoice, drive: Drive): string[] {
  const node = {
    driver: 'raw',
    'node-name': `${drive.id}-node`,
    'read-only': drive.readOnly,
    // What the guest trims is given back to the host's file system.
    discard: 'unmap',
    file: { driver: 'file', filename: drive.path, discard: 'unmap' },
  };
  return [
    // JSON, since a path may hold the commas that separate options elsewhere.
    '-blockdev',
    JSON.stringify(node),
    '-device',
    `${virtio(choice, 'blk')},drive=${drive.id}-node,id=${drive.id},serial=${drive.id.slice(0, 20)}`,
  ];
}

export function nicArguments(choice: MachineChoice, nic: Nic): string[] {
  return [
    // The tap exists already and is on its bridge: QEMU runs no scripts.
    '-netdev',
    `tap,id=net0,ifname=${nic.tap},script=no,downscript=no`,
    '-device',
    `${virtio(choice, 'net')},netdev=net0,mac=${nic.mac},host_mtu=${nic.mtu}`,
  ];
}

/** Entropy of the host, so that keys made at the first boot are good. */
export function rngArguments(choice: MachineChoice): string[] {
  return ['-object', 'rng-builtin,id=rng', '-device', `${virtio(choice, 'rng')},rng=rng`];
}

export function serialBusArguments(choice: MachineChoice): string[] {
  return ['-device', `${virtio(choice, 'serial')},id=ports`];
}

export function agentArguments(): string[] {
  return [
    '-chardev',
    `socket,id=agent,path=${runtimeFiles.agent},server=on,wait=off`,
    '-device',
    `virtserialport,bus=ports.0,chardev=agent,name=${agentPort}`,
  ];
}

/** One socket to type and read at, and a log beside it that outlives restarts. */
export function consoleArguments(logPath: string): string[] {
  return [
    '-chardev',
    `socket,id=console,path=${runtimeFiles.console},server=on,wait=off,logfile=${optionValue(logPath)},logappend=on`,
    '-serial',
    'chardev:console',
  ];
}

export function controlArguments(): string[] {
  return ['-qmp', `unix:${runtimeFiles.qmp},server=on,wait=off`, '-pidfile', runtimeFiles.pid];
}

export function shareArguments(choice: MachineChoice, index: number, tag: string): string[] {
  const kind = choice.machine === 'microvm' ? 'vhost-user-fs-device' : 'vhost-user-fs-pci';
  return [
    '-chardev',
    `socket,id=fs${index},path=${runtimeFiles.shareSocket(index)}`,
    '-device',
    `${kind},chardev=fs${index},tag=${optionValue(tag)}`,
  ];
}

/** A microvm has 24 virtio-mmio slots (hw/i386/microvm.c, with the second io-apic that acpi=on brings). */
export const microvmSlots = 24;

/** QEMU's option syntax: a comma in a value is doubled. */
export function optionValue(text: string): string {
  return text.replaceAll(',', ',,');
}

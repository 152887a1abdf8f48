import { join } from 'node:path';

/** Every name on disk, in one list. The folders are those of the spec's README; VM files are named by id, never by what a user typed. */
export function layout(dataDir: string) {
  const at = (...parts: string[]) => join(dataDir, ...parts);
  return {
    root: dataDir,
    /** Global configuration of the host. */
    config: at('config'),
    /** One folder a VM: disk, seed. */
    vms: at('vms'),
    vmDir: (vmId: string) => at('vms', vmId),
    vmDisk: (vmId: string) => at('vms', vmId, 'disk.img'),
    vmSeed: (vmId: string) => at('vms', vmId, 'seed.tar'),
    /** Base images, `<sha256>.ext4`. */
    rootfs: at('images', 'rootfs'),
    baseImage: (digest: string) => at('images', 'rootfs', `${digest.replace('sha256:', '')}.ext4`),
    /** Kernels with their initramfs and modules, one folder a kit digest. */
    kernels: at('images', 'kernels'),
    /** One folder a VM, one image a tag, kept copies beside it. */
    mounts: at('mounts'),
    vmMounts: (vmId: string) => at('mounts', vmId),
    mountImage: (vmId: string, tag: string) => at('mounts', vmId, `${tag}.ext4`),
    /** Runtime directories with the sockets of running VMs, by id. */
    sockets: at('sockets'),
    vmRuntime: (vmId: string) => at('sockets', vmId),
    /** Console logs by VM name, as the spec says: /var/lib/vmm/logs/<name>.log */
    logs: at('logs'),
    consoleLog: (name: string) => at('logs', `${name}.log`),
    /** Database, locks, cached verdicts, the daemon's own log. */
    state: at('state'),
    database: at('state', 'vmm.db'),
    daemonLock: at('state', 'daemon.lock'),
    daemonLog: at('state', 'daemon.log'),
    /** vmm's own ssh key pair. */
    sshKey: at('state', 'ssh_ed25519'),
    /** Readable by everybody: what `vmm list` falls back to. */
    statusFile: at('status.json'),
    /** Scratch for half-made files; emptied at the daemon's start. */
    tmp: at('state', 'tmp'),
    /** Downloaded packages and other caches. */
    cache: at('state', 'cache'),
  } as const;
}
export type Layout = ReturnType<typeof layout>;

/** The daemon's socket: /run/vmm/vmm.sock for the default data directory, else inside the data directory. */
export function daemonSocket(dataDir: string): string {
  return dataDir === '/var/lib/vmm' ? '/run/vmm/vmm.sock' : join(dataDir, 'vmm.sock');
}

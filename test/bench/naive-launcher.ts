import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../support/exec.ts';
import type { TestHost } from '../support/test-host.ts';
import { BareHost } from './bare-host.ts';
import type { Launcher } from './launcher.ts';

const address = '172.16.0.9';

/** What somebody without vmm would do: a minimal Debian with systemd and sshd, its packaged kernel, default options. */
export async function naiveLauncher(host: TestHost, acceleration: string): Promise<Launcher & AsyncDisposable> {
  const made = await naiveFiles();
  const runDir = join(host.scratch, 'naive');
  const bare = await BareHost.open('vt-naive', 'vt-naive0', '172.16.0.1/16', runDir);
  const key = join(made, 'key');
  const argv = [
    'qemu-system-x86_64',
    ...['-accel', acceleration, '-m', '512', '-display', 'none', '-serial', 'file:console.log'],
    ...['-kernel', join(made, 'vmlinuz'), '-initrd', join(made, 'initrd.img')],
    ...['-append', 'root=/dev/vda rw console=ttyS0'],
    ...['-drive', 'file=disk.ext4,format=raw,if=virtio'],
    ...['-netdev', 'tap,id=n,ifname=vt-naive0,script=no,downscript=no', '-device', 'virtio-net-pci,netdev=n'],
  ];
  return {
    name: 'naive: packaged kernel, untuned Debian',
    prepare: async () => {
      await bare.prepare();
      await exec('cp', ['--sparse=always', '--reflink=auto', join(made, 'disk.ext4'), runDir]);
    },
    launch: () => bare.launch(address, key, argv),
    clear: () => bare.clear(),
    [Symbol.asyncDispose]: () => bare[Symbol.asyncDispose](),
  };
}

/** Made once a machine. The image has a key of its own, since it outlives the bench's. */
async function naiveFiles(): Promise<string> {
  const cache = process.env.VMM_TEST_CACHE ?? join(homedir(), '.cache', 'vmm-test');
  const made = join(cache, 'naive');
  if (existsSync(made)) return made;
  console.error('making the naive image with mmdebstrap (once)');
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'naive.part-'));
  try {
    const [tree, out] = [join(scratch, 'tree'), join(scratch, 'out')];
    await mkdir(out);
    await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(out, 'key')]);
    await writeFile(
      join(scratch, 'eth.network'),
      `[Match]\nType=ether\n[Network]\nAddress=${address}/16\nGateway=172.16.0.1\nDNS=8.8.8.8\n`,
    );
    const hooks = [
      `copy-in ${join(scratch, 'eth.network')} /etc/systemd/network`,
      'chroot "$1" systemctl enable systemd-networkd',
      'echo naive >"$1/etc/hostname"',
      `install -D -m 600 ${join(out, 'key.pub')} "$1/root/.ssh/authorized_keys"`,
    ];
    await exec(
      'mmdebstrap',
      [
        ...['--quiet', '--variant=minbase'],
        '--include=systemd-sysv,udev,openssh-server,iproute2,initramfs-tools,linux-image-cloud-amd64',
        ...hooks.map((hook) => `--customize-hook=${hook}`),
        ...['bookworm', tree, 'http://deb.debian.org/debian'],
      ],
      { timeoutMs: 900_000 },
    );
    for (const name of await readdir(join(tree, 'boot'))) {
      if (name.startsWith('vmlinuz-')) await copyFile(join(tree, 'boot', name), join(out, 'vmlinuz'));
      if (name.startsWith('initrd.img-')) await copyFile(join(tree, 'boot', name), join(out, 'initrd.img'));
    }
    await exec('mke2fs', ['-q', '-t', 'ext4', '-d', tree, join(out, 'disk.ext4'), '2G'], { timeoutMs: 300_000 });
    await rename(out, made);
    return made;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { imageConfigSchema } from '../../../src/contract/resources/image.ts';
import { labels } from '../../../src/domain/guest-protocol.ts';
import type { Kit } from '../../../src/ports/guest-kit.ts';
import { exec } from '../../support/exec.ts';
import { type Bench, guestDir, openBench, sha256 } from './support/bench.ts';
import { boot, type Keys, makeKeys } from './support/boot.ts';

describe('the guest kit and what boots from it', () => {
  let bench: Bench;
  let kit: Kit;
  let user: Keys;
  let host: Keys;

  before(async () => {
    bench = await openBench();
    kit = await bench.kit.ensure(bench.options);
    [user, host] = await Promise.all([makeKeys(bench.scratch, 'user'), makeKeys(bench.scratch, 'host')]);
  });
  after(() => bench.close());

  const tinyConfig = imageConfigSchema.parse({});

  test('a kit holds a kernel in both forms, an initramfs and a drive, and names the packages it is made of', async () => {
    assert.equal((await readFile(kit.vmlinuxPath)).toString('hex', 0, 4), '7f454c46');
    assert.equal((await readFile(kit.initramfsPath)).toString('latin1', 0, 6), '070701');
    const { stdout } = await exec('dumpe2fs', ['-h', kit.modulesPath]);
    assert.match(stdout, new RegExp(`volume name: +${labels.modules}\n`));
    const record = JSON.parse(await readFile(join(bench.paths.kernels, kit.digest, 'kit.json'), 'utf8'));
    const names = record.packages.map(({ name }: { name: string }) => name);
    for (const name of ['busybox-static', 'dropbear-bin', 'libc6']) assert.ok(names.includes(name), name);
    assert.deepEqual(await readdir(bench.paths.tmp), []);
  });

  test('it is found again without any work', async () => {
    const before = bench.steps.length;
    assert.deepEqual(await bench.kit.current(), kit);
    assert.deepEqual(await bench.kit.ensure(bench.options), kit);
    assert.equal(bench.steps.length, before);
  });

  test('a change of a script of the guest makes it unfit', async () => {
    const changed = join(bench.scratch, 'guest');
    await cp(guestDir, changed, { recursive: true });
    const other = bench.kitOf(changed);
    assert.deepEqual(await other.current(), kit);
    await appendFile(join(changed, 'setup'), '\n');
    assert.equal(await other.current(), undefined);
  });

  test('a build that is cancelled leaves nothing behind', async () => {
    const changed = join(bench.scratch, 'guest-cancelled');
    await cp(guestDir, changed, { recursive: true });
    await appendFile(join(changed, 'setup'), '\n');
    const stop = new AbortController();
    const options = {
      onProgress: ({ step }: { step: string }) => step === 'unpack' && stop.abort(),
      signal: stop.signal,
    };
    const kernels = await readdir(bench.paths.kernels);
    await assert.rejects(bench.kitOf(changed).ensure(options), { code: 'aborted' });
    assert.deepEqual(await readdir(bench.paths.tmp), []);
    assert.deepEqual(await readdir(bench.paths.kernels), kernels);
  });

  test('the tiny image is an ext4 under its own digest', async () => {
    const image = await bench.images.build({ name: 'tiny', recipe: 'tiny', ...bench.options });
    const path = bench.images.basePath(image.digest);
    assert.equal(`sha256:${await sha256(path)}`, image.digest);
    assert.equal((await stat(path)).size, image.sizeBytes);
    assert.match((await exec('dumpe2fs', ['-h', path])).stdout, new RegExp(`volume name: +${labels.base}\n`));
    await bench.images.remove(image.digest);
    await bench.images.remove(image.digest);
    assert.deepEqual(await readdir(bench.paths.rootfs), []);
  });

  test('an overlay guest gets its identity, its mounts and its program, whatever the image has planted', async () => {
    const tree = join(bench.scratch, 'planted');
    await mkdir(join(tree, 'etc'), { recursive: true });
    await mkdir(join(tree, 'root/.ssh'), { recursive: true });
    await mkdir(join(tree, 'var/lib/docker'), { recursive: true });
    await symlink('/etc/passwd', join(tree, 'etc/resolv.conf'));
    await symlink('../outside', join(tree, 'run'));
    await writeFile(join(tree, 'var/lib/docker/brought'), 'along');
    await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\nweb:x:33:44:web:/:/bin/false\n');
    const old = '# vmm: begin (written anew at each start)\nssh-ed25519 revoked\n# vmm: end';
    await writeFile(join(tree, 'root/.ssh/authorized_keys'), `ssh-ed25519 a-person\n${old}\nssh-ed25519 another\n`);
    const base = await bench.fileSystem(tree, 'base.ext4', 32, labels.base);
    const empty = join(bench.scratch, 'empty');
    await mkdir(empty);
    const disk = await bench.fileSystem(empty, 'upper.img', 64, labels.upper);
    const shared = join(bench.scratch, 'shared');
    await mkdir(shared);
    await writeFile(join(shared, 'file'), 'from the host');
    const copies = [
      await bench.fileSystem(shared, 'm1.img', 16, 'vmm-1'),
      await bench.fileSystem(shared, 'm2.img', 16, 'vmm-2'),
    ];
    const argument = `it's "a $(reboot)\nsecond line`;
    const program = '/run/vmm/kit/bin/sh';
    const script = '{ id -u; id -g; pwd; echo "$VALUE"; echo "$0"; } >/tmp/said; exit 7';

    const guest = await boot(bench, kit, user, host, {
      root: 'overlay',
      drives: [
        { path: disk, readOnly: false },
        { path: copies[0] ?? '', readOnly: true },
        { path: copies[1] ?? '', readOnly: false },
        { path: base, readOnly: true },
      ],
      seed: {
        name: 'planted',
        mounts: [
          { tag: 'ro', source: shared, mode: 'ro', kind: 'copy' },
          { tag: 'rw', source: shared, mode: 'rw', kind: 'copy' },
        ],
        image: {
          ...tinyConfig,
          entrypoint: [program],
          cmd: ['-c', script, argument],
          env: [`VALUE=${argument}`],
          user: 'web',
          workdir: '/srv/deep',
        },
      },
    });
    try {
      const said = async (command: string) => (await guest.ssh(command)).stdout;
      assert.equal(await said('hostname'), 'planted\n');
      assert.equal(await said('cat /etc/resolv.conf'), 'nameserver 192.0.2.53\n');
      assert.match(await said('cat /etc/passwd'), /^root:x:0:0:root:\/root:\/run\/vmm\/kit\/bin\/sh\nweb:/);
      assert.equal(
        await said('cat /root/.ssh/authorized_keys'),
        `ssh-ed25519 a-person\nssh-ed25519 another\n${old.replace('ssh-ed25519 revoked', user.publicKey)}\n`,
      );
      assert.equal(await said('cat /mnt/ro/file /mnt/rw/file'), 'from the hostfrom the host');
      assert.notEqual((await guest.ssh('touch /mnt/ro/new')).exitCode, 0);
      assert.equal((await guest.ssh('touch /mnt/rw/new')).exitCode, 0);
      assert.equal(
        await said('cat /var/lib/docker/brought; grep -c " /var/lib/docker ext4 " /proc/mounts'),
        'along1\n',
      );
      assert.equal(await said('cat /tmp/said'), `33\n44\n/srv/deep\n${argument}\n${argument}\n`);
      assert.equal((await guest.ssh('modprobe dummy && test -d /sys/module/dummy')).exitCode, 0);
      await guest.pressPowerButton();
      assert.match(await guest.ended(), /the program has ended with code 7.*Power down/s);
    } finally {
      guest.kill();
    }
  });

  test('a disk is grown to its device, and a key that was taken away no longer lets in', async () => {
    const tree = join(bench.scratch, 'bare');
    await mkdir(tree);
    await writeFile(join(tree, 'file'), 'an image of nothing else');
    const disk = await bench.diskOf(await bench.fileSystem(tree, 'bare.ext4', 16, labels.base), 256);
    const plan = {
      root: 'disk',
      drives: [{ path: disk, readOnly: false }],
      seed: { name: 'bare', mounts: [], image: tinyConfig },
    } as const;
    const first = await boot(bench, kit, user, host, { ...plan, extraKeys: [host.publicKey] });
    try {
      const blocks = Number((await first.ssh("df -k / | awk 'NR==2 {print $2}'")).stdout);
      assert.ok(blocks > 200_000, `${blocks} blocks`);
      assert.equal((await first.ssh('grep -c ssh-ed25519 /root/.ssh/authorized_keys')).stdout, '2\n');
      // The agent starts a moment after the sshd, and answers a shutdown by powering off.
      assert.equal(
        (await first.ssh('for i in 1 2 3 4 5 6 7 8 9; do [ -f /run/vmm/qemu-ga.pid ] && break; sleep 1; done'))
          .exitCode,
        0,
      );
      await first.askAgent('guest-ping');
      await first.ssh('poweroff');
      assert.match(await first.ended(), /Power down/);
    } finally {
      first.kill();
    }
    const second = await boot(bench, kit, user, host, plan);
    try {
      assert.equal((await second.ssh('grep -c ssh-ed25519 /root/.ssh/authorized_keys')).stdout, '1\n');
    } finally {
      second.kill();
    }
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileSystems, isRoot, MiB, scratch, sh, signal } from './scratch.ts';

const asRoot = { skip: !isRoot };
/** What each file system's maker asks for at least, in MiB. */
const smallest = { ext4: 64, xfs: 300, btrfs: 128 };

describe('a VM’s disk', () => {
  for (const fileSystem of fileSystems) {
    it(`costs under 0.3 s and 20 MiB on ${fileSystem}, whatever its size`, asRoot, async () => {
      using place = scratch({ fileSystem });
      const basePath = join(place.paths.rootfs, 'base.ext4');
      writeFileSync(basePath, randomBytes(120 * MiB));
      for (const sizeBytes of [1024 * MiB, 100 * 1024 * MiB]) {
        const before = place.usedBytes();
        const started = performance.now();
        const disk = await place.volumes.createDisk({ vmId: 'one', basePath, sizeBytes, signal });
        const took = performance.now() - started;
        const costs = place.usedBytes() - before;
        assert.ok(took < 300, `it took ${took} ms`);
        assert.ok(costs < 20 * MiB, `it takes ${costs / MiB} MiB`);
        assert.equal(disk.kind, fileSystem === 'ext4' ? 'overlay' : 'reflink');
        assert.equal(disk.sizeBytes, sizeBytes);
        assert.equal(statSync(disk.path).size, sizeBytes);
        assert.equal(statSync(disk.path).mode & 0o777, 0o600);
        assert.deepEqual(place.files(), ['vms/one/disk.img']);
        if (disk.kind === 'overlay') assert.match(sh('dumpe2fs', '-h', disk.path), /volume name:\s+vmm-upper\n/);
        else sh('cmp', '-n', String(120 * MiB), basePath, disk.path);
        await place.volumes.removeVm('one');
      }
    });

    it(`says disk_full on a full ${fileSystem} and leaves nothing`, asRoot, async () => {
      using place = scratch({ fileSystem, sizeMiB: smallest[fileSystem] });
      const basePath = join(place.paths.rootfs, 'base.ext4');
      writeFileSync(basePath, randomBytes(MiB));
      const source = join(place.folder, 'source');
      mkdirSync(source);
      writeFileSync(join(source, 'data'), randomBytes(8 * MiB));
      const image = { vmId: 'one', tag: 'code', source, signal };
      const disk = { vmId: 'one', basePath, sizeBytes: 100 * 1024 * MiB, signal };
      const ballast = join(place.paths.rootfs, 'ballast');
      assert.throws(() => sh('dd', 'if=/dev/zero', `of=${ballast}`, 'bs=1M', 'conv=fsync'));
      await assert.rejects(place.volumes.createMountImage(image), { code: 'disk_full' });
      if (fileSystem === 'ext4') await assert.rejects(place.volumes.createDisk(disk), { code: 'disk_full' });
      assert.deepEqual(place.files(), []);
      const seed = [{ path: 'hosts', content: 'x'.repeat(64 * MiB), mode: 0o644 }];
      await assert.rejects(place.volumes.writeSeed('one', seed), { code: 'disk_full' });
      assert.deepEqual(place.files(), []);
      assert.deepEqual(await place.volumes.listVmIds(), []);
    });
  }

  it('takes little for an upper layer of 100 GiB, and it has room to grow', asRoot, async () => {
    using place = scratch();
    const basePath = join(place.paths.rootfs, 'base.ext4');
    writeFileSync(basePath, 'base');
    const started = performance.now();
    const disk = await place.volumes.createDisk({ vmId: 'one', basePath, sizeBytes: 100 * 1024 * MiB, signal });
    const took = performance.now() - started;
    assert.ok(took < 300, `it took ${took} ms`);
    if (disk.kind === 'overlay') {
      assert.ok(statSync(disk.path).blocks * 512 < 2 * MiB);
      // Else the guest's kernel would zero 1.6 GiB of inode tables in the background.
      const groups = sh('dumpe2fs', disk.path)
        .split('\n')
        .filter((line) => /^Group \d/.test(line));
      assert.ok(groups.length === 800 && groups.every((line) => line.includes('ITABLE_ZEROED')));
    }
    const grown = await place.volumes.growDisk(disk, 200 * 1024 * MiB, signal);
    assert.equal(statSync(disk.path).size, 200 * 1024 * MiB);
    assert.equal(grown.sizeBytes, 200 * 1024 * MiB);
    if (disk.kind === 'overlay') {
      sh('resize2fs', '-f', disk.path);
      sh('e2fsck', '-fn', disk.path);
    }
    assert.equal((await place.volumes.growDisk(grown, MiB, signal)).sizeBytes, 200 * 1024 * MiB);
    assert.equal(statSync(disk.path).size, 200 * 1024 * MiB);
  });

  it('can be as small as 64 MiB and of an odd size', async () => {
    using place = scratch();
    const basePath = join(place.paths.rootfs, 'base.ext4');
    writeFileSync(basePath, 'base');
    const disk = await place.volumes.createDisk({ vmId: 'one', basePath, sizeBytes: 64 * MiB + 1, signal });
    assert.equal(disk.sizeBytes, 64 * MiB + 4096);
    if (disk.kind === 'overlay') sh('e2fsck', '-fn', disk.path);
  });

  it('is not begun when the request is cancelled, and nothing is left', async () => {
    using place = scratch();
    const basePath = join(place.paths.rootfs, 'base.ext4');
    writeFileSync(basePath, 'base');
    const cancelled = { vmId: 'one', basePath, sizeBytes: 64 * MiB, signal: AbortSignal.abort() };
    await assert.rejects(place.volumes.createDisk(cancelled), { code: 'aborted' });
    assert.deepEqual(await place.volumes.listVmIds(), []);
  });

  it('says which base is missing', async () => {
    using place = scratch();
    await assert.rejects(place.volumes.createDisk({ vmId: 'one', basePath: '/nowhere/base', sizeBytes: MiB, signal }), {
      code: 'storage_failed',
      message: /\/nowhere\/base/,
    });
    assert.deepEqual(await place.volumes.listVmIds(), []);
  });

  it('replaces what a killed daemon left half-made', async () => {
    using place = scratch();
    const basePath = join(place.paths.rootfs, 'base.ext4');
    writeFileSync(basePath, 'base');
    await place.volumes.writeSeed('one', []);
    const partial = join(place.paths.vmDir('one'), '.disk.img.partial');
    writeFileSync(partial, 'half');
    truncateSync(partial, 10 * MiB);
    await place.volumes.createDisk({ vmId: 'one', basePath, sizeBytes: 64 * MiB, signal });
    assert.deepEqual(place.files(), ['vms/one/disk.img', 'vms/one/seed.tar']);
  });
});

describe('the seed', () => {
  const files = [
    { path: 'hostname', content: 'web1\n', mode: 0o644 },
    { path: 'argv/0', content: 'run me', mode: 0o644 },
    { path: 'ssh_host_ed25519_key', content: new TextEncoder().encode('secret'), mode: 0o600 },
  ];

  it('is a private tar of whole sectors that tells itself by its first member', async () => {
    using place = scratch();
    const path = await place.volumes.writeSeed('one', files);
    assert.equal(path, place.paths.vmSeed('one'));
    const { size, mode } = statSync(path);
    assert.equal(size % 512, 0);
    assert.equal(mode & 0o777, 0o600);
    assert.equal(readFileSync(path).subarray(0, 9).toString(), 'vmm-seed\0');
    assert.equal(sh('tar', '-tf', path), 'vmm-seed\nhostname\nargv/0\nssh_host_ed25519_key\n');
    sh('tar', '-xf', path, '-C', place.folder);
    assert.equal(readFileSync(join(place.folder, 'argv/0'), 'utf8'), 'run me');
    assert.equal(statSync(join(place.folder, 'ssh_host_ed25519_key')).mode & 0o777, 0o600);
  });

  it('is the same for the same files', async () => {
    using place = scratch();
    const first = readFileSync(await place.volumes.writeSeed('one', files));
    assert.ok(first.equals(readFileSync(await place.volumes.writeSeed('two', files))));
  });
});

describe('the files of VMs', () => {
  it('are listed by id and removed without a trace', async () => {
    using place = scratch();
    assert.deepEqual(await place.volumes.listVmIds(), []);
    await place.volumes.writeSeed('b', []);
    await place.volumes.createMountImage({ vmId: 'a', tag: 'code', source: import.meta.dirname, signal });
    assert.deepEqual(await place.volumes.listVmIds(), ['a', 'b']);
    for (const id of ['a', 'b', 'b']) await place.volumes.removeVm(id);
    assert.deepEqual(await place.volumes.listVmIds(), []);
    for (const id of ['', '.', '..', 'a/b']) await assert.rejects(place.volumes.removeVm(id), { code: 'internal' });
    assert.ok(existsSync(place.paths.vms));
    assert.ok((await place.volumes.freeBytes()) > 0);
  });
});

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fakeWorld } from '../../../src/fakes/fake-world.ts';
import type { VolumeStore } from '../../../src/ports/volume-store.ts';
import { MiB, scratch, signal } from './scratch.ts';

interface Place {
  readonly volumes: VolumeStore;
  readonly basePath: string;
  /** A directory of the host. */
  readonly source: string;
  guestWrites(): void;
}

const twins: Readonly<Record<string, (work: (place: Place) => Promise<void>) => Promise<void>>> = {
  async 'the volume store'(work) {
    using place = scratch();
    const { paths, folder, volumes } = place;
    const [basePath, source] = [join(paths.rootfs, 'base.ext4'), join(folder, 'source')];
    writeFileSync(basePath, 'base');
    mkdirSync(source);
    await work({ volumes, basePath, source, guestWrites: () => appendFileSync(paths.mountImage('one', 'code'), 'x') });
  },
  async 'its imagined twin'(work) {
    const { files, volumes, paths, host } = fakeWorld();
    const [basePath, source] = [paths.baseImage('sha256:ab'), '/home/user/code'];
    files.put(basePath, 10);
    host.setPath(source, 'directory');
    await work({ volumes, basePath, source, guestWrites: () => volumes.guestWrites('one', 'code') });
  },
};

for (const [name, inPlace] of Object.entries(twins)) {
  describe(name, () => {
    it('makes and grows a disk, and never shrinks it', () =>
      inPlace(async ({ volumes, basePath }) => {
        const disk = await volumes.createDisk({ vmId: 'one', basePath, sizeBytes: 64 * MiB, signal });
        assert.equal(disk.sizeBytes, 64 * MiB);
        assert.equal((await volumes.growDisk(disk, 128 * MiB, signal)).sizeBytes, 128 * MiB);
        assert.equal((await volumes.growDisk({ ...disk, sizeBytes: 128 * MiB }, MiB, signal)).sizeBytes, 128 * MiB);
        await volumes.removeVm('one');
        await assert.rejects(volumes.growDisk(disk, 256 * MiB, signal), { code: 'storage_failed' });
      }));

    it('says what is wrong with a base, a source, a kept copy, a cancelled request', () =>
      inPlace(async ({ volumes, basePath, source }) => {
        const id = { vmId: 'one', tag: 'code' };
        const disk = { vmId: 'one', sizeBytes: MiB, signal };
        await assert.rejects(volumes.createDisk({ ...disk, basePath: '/no/base' }), { code: 'storage_failed' });
        await assert.rejects(volumes.createMountImage({ ...id, source: '/no/where', signal }), {
          code: 'invalid_mount',
        });
        const cancelled = AbortSignal.abort();
        await assert.rejects(volumes.createDisk({ ...disk, basePath, signal: cancelled }), { code: 'aborted' });
        await assert.rejects(volumes.createMountImage({ ...id, source, signal: cancelled }), { code: 'aborted' });
        await assert.rejects(volumes.keepMountImage('one', 'code'), { code: 'storage_failed' });
        assert.throws(() => volumes.keptPath('one', 'code', '../x'), { code: 'mount_not_found' });
        assert.deepEqual(await volumes.listVmIds(), []);
      }));

    it('tells the guest’s writes until they are pulled, kept or made anew', () =>
      inPlace(async ({ volumes, source, guestWrites }) => {
        const written = () => volumes.mountHasWrites('one', 'code');
        const make = () => volumes.createMountImage({ vmId: 'one', tag: 'code', source, signal });
        assert.equal(await written(), false);
        assert.equal((await make()).path, volumes.mountImagePath('one', 'code'));
        assert.equal(await written(), false);
        guestWrites();
        assert.equal(await written(), true);
        await volumes.markPulled('one', 'code');
        assert.equal(await written(), false);
        guestWrites();
        const first = await volumes.keepMountImage('one', 'code');
        assert.equal(await written(), false);
        await make();
        const second = await volumes.keepMountImage('one', 'code');
        assert.deepEqual(await volumes.listKept('one', 'code'), [first, second]);
        await volumes.removeKept('one', 'code', first);
        assert.deepEqual(await volumes.listKept('one', 'code'), [second]);
        assert.deepEqual(await volumes.listVmIds(), ['one']);
        await volumes.removeVm('one');
        assert.deepEqual(await volumes.listVmIds(), []);
      }));

    it('lists the VMs that have files, and forgets seeds', () =>
      inPlace(async ({ volumes, source }) => {
        await volumes.writeSeed('b', [{ path: 'hostname', content: 'b', mode: 0o644 }]);
        await volumes.createMountImage({ vmId: 'a', tag: 'code', source, signal });
        assert.deepEqual(await volumes.listVmIds(), ['a', 'b']);
        for (let twice = 0; twice < 2; twice++) {
          await volumes.removeSeed('b');
          await volumes.removeVm('a');
        }
        assert.deepEqual(
          (await volumes.listVmIds()).filter((id) => id !== 'b'),
          [],
        );
      }));
  });
}

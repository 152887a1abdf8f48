import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testEngine } from '../../../test/support/test-engine.ts';
import { deleteImage } from '../image/delete.ts';

const mount = { source: '/srv', tag: 'data', mode: 'rw', kind: 'copy' } as const;

describe('delete', () => {
  it('removes disk, mounts, log and address', async () => {
    const { world, context, create, start, stop, remove } = await testEngine();
    world.host.setPath('/srv', 'directory');
    await create('web1', { mounts: [mount] });
    await start('web1');
    await stop('web1');
    await remove('web1');
    assert.equal(context.store.findVm('web1'), undefined);
    assert.deepEqual([...world.files.under(world.paths.vms), ...world.files.under(world.paths.mounts)], []);
    assert.deepEqual(world.consoles.paths(), []);
    assert.deepEqual(world.leftovers(), []);
    await create('web2');
    assert.equal((await start('web2')).vm.status.ip, '172.16.0.2');
  });

  it('refuses a running VM, unless forced', async () => {
    const { world, create, start, remove } = await testEngine();
    await create('web1');
    await start('web1');
    await assert.rejects(remove('web1'), { code: 'illegal_state', hint: 'vmm delete --force web1' });
    assert.equal(world.hypervisor.machines().length, 1);
    await remove('web1', { force: true });
    assert.deepEqual(world.hypervisor.machines(), []);
    assert.equal(world.network.bridge, false);
    assert.deepEqual(world.leftovers(), []);
  });

  it('refuses to throw away what the guest wrote and nobody pulled, unless forced', async () => {
    const { world, create, start, stop, remove, idOf } = await testEngine();
    world.host.setPath('/srv', 'directory');
    await create('web1', { mounts: [mount] });
    await start('web1');
    world.volumes.guestWrites(idOf('web1'), 'data');
    await stop('web1');
    await assert.rejects(remove('web1'), { code: 'mount_has_changes', hint: /vmm mount pull web1 data/ });
    await start('web1');
    await stop('web1');
    await assert.rejects(remove('web1'), { code: 'mount_has_changes' }, 'the kept copy counts as well');
    await remove('web1', { force: true });
    assert.deepEqual(world.leftovers(), []);
  });

  it('says so when there is no such VM, with the nearest names', async () => {
    const { create, remove } = await testEngine();
    await create('web1');
    await assert.rejects(remove('web2'), { code: 'vm_not_found', hint: 'Did you mean web1?' });
    await assert.rejects(remove('other'), { code: 'vm_not_found', hint: /vmm list/ });
  });

  it('that fails in the middle can be repeated', async () => {
    const { world, context, create, remove } = await testEngine();
    await create('web1');
    world.script.fail('volumes.removeVm');
    world.script.fail('volumes.removeVm');
    await assert.rejects(remove('web1'), { code: 'command_failed' });
    await remove('web1');
    assert.equal(context.store.findVm('web1'), undefined);
    assert.deepEqual(world.leftovers(), []);
  });

  it('gives the base image back when the image was made anew since', async () => {
    const { world, context, create, remove } = await testEngine();
    await create('web1', { image: 'tiny' });
    const image = context.store.findImage('tiny');
    assert.ok(image);
    const base = world.images.basePath(image.digest);
    await assert.rejects(deleteImage(context, 'tiny'), {
      code: 'image_in_use',
      hint: 'Delete them first: vmm delete web1',
    });
    context.store.putImage({ ...image, digest: `sha256:${'0'.repeat(64)}` });
    await remove('web1');
    assert.equal(world.files.has(base), false);
  });

  it('keeps the base image that an image still has', async () => {
    const { world, context, create, remove } = await testEngine();
    await create('web1', { image: 'tiny' });
    await remove('web1');
    const image = context.store.findImage('tiny');
    assert.ok(image && world.files.has(world.images.basePath(image.digest)));
    await deleteImage(context, 'tiny');
    assert.equal(world.files.has(world.images.basePath(image.digest)), false);
  });
});

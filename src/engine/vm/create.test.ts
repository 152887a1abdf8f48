import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testEngine, testReporter } from '../../../test/support/test-engine.ts';

describe('create', () => {
  it('records a stopped VM with a disk and no copy of the image', async () => {
    const { world, create, context } = await testEngine();
    const free = world.files.freeBytes();
    const { vm, notices } = await create('web1', { image: 'tiny', cpus: 2, diskMiB: 2048 });
    assert.equal(vm.status.phase, 'stopped');
    assert.equal(vm.spec.cpus, 2);
    assert.deepEqual(notices, []);
    assert.equal(context.store.findVm('web1')?.disk.sizeBytes, 2048 * 2 ** 20);
    assert.ok(free - world.files.freeBytes() < 20 * 2 ** 20);
    assert.deepEqual(world.leftovers(), []);
  });

  it('refuses an image that is not there, saying how to get the default ones', async () => {
    const { world, create } = await testEngine();
    await assert.rejects(create('web1', { image: 'nginx' }), { code: 'image_not_found', hint: /image list/ });
    world.database.images.delete('debian');
    await assert.rejects(create('web1'), { code: 'image_not_found', hint: /image pull debian/ });
    assert.deepEqual(world.leftovers(), []);
  });

  it('refuses the name of another VM', async () => {
    const { create } = await testEngine();
    await create('web1');
    await assert.rejects(create('web1'), { code: 'vm_exists', hint: /vmm delete web1/ });
  });

  it('refuses a name that differs from another in case alone, and leaves no disk', async () => {
    const { world, create } = await testEngine();
    await create('web1');
    await assert.rejects(create('WEB1'), { code: 'vm_exists' });
    assert.deepEqual(world.leftovers(), []);
  });

  it('refuses bad names before anything is made', async () => {
    const { world, create } = await testEngine();
    for (const name of ['../etc', 'a/b', 'a.b', 'wéb', '-a', 'a-', '', 'x'.repeat(65)])
      await assert.rejects(create(name), { code: 'invalid_name' }, name);
    assert.deepEqual(world.files.under(world.paths.vms), []);
  });

  it('raises a disk that is smaller than the image, and tells it', async () => {
    const { create } = await testEngine();
    const { reporter, notices } = testReporter();
    const created = await create('web1', { diskMiB: 100 }, reporter);
    assert.equal(created.vm.spec.diskMiB, 512);
    assert.match(created.notices[0] ?? '', /raised from 100 to 512 MiB/);
    assert.deepEqual(notices, created.notices);
  });

  it('makes several VMs asked for at once', async () => {
    const { context, create } = await testEngine();
    await Promise.all(['a', 'b', 'c'].map((name) => create(name)));
    assert.deepEqual(
      context.store.listVms().map(({ vm }) => vm.name),
      ['a', 'b', 'c'],
    );
  });

  it('makes one VM of two asked for at once under one name', async () => {
    const { create } = await testEngine();
    const outcomes = await Promise.allSettled([create('web1'), create('web1')]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  });

  it('leaves nothing when it is cancelled while the disk is made', async () => {
    const { world, create, context } = await testEngine();
    const { reporter, abort } = testReporter();
    world.script.hang('volumes.createDisk');
    const creating = create('web1', {}, reporter);
    setImmediate(abort);
    await assert.rejects(creating, { code: 'aborted' });
    assert.equal(context.store.findVm('web1'), undefined);
    assert.deepEqual(world.leftovers(), []);
  });

  it('leaves nothing when the record cannot be written', async () => {
    const { world, create } = await testEngine();
    world.script.fail('store.insertVm');
    await assert.rejects(create('web1'), { code: 'command_failed' });
    assert.deepEqual(world.leftovers(), []);
    await create('web1');
  });

  it('tells the cause when even undoing fails, and undoes before the next try', async () => {
    const { world, create } = await testEngine();
    world.script.fail('store.insertVm', new Error('the cause'));
    world.script.fail('volumes.removeVm');
    await assert.rejects(create('web1'), /the cause/);
    assert.notDeepEqual(world.leftovers(), []);
    await create('web1');
    assert.deepEqual(world.leftovers(), []);
  });

  it('refuses more memory or cpus than there are', async () => {
    const { create } = await testEngine();
    await assert.rejects(create('big', { memoryMiB: 16_385 }), { code: 'too_few_resources', hint: '--memory 8192' });
    await assert.rejects(create('big', { cpus: 65 }), { code: 'too_few_resources', hint: '--cpus 8' });
  });

  it('refuses a private key, a kernel that is not there, and user data', async () => {
    const { create } = await testEngine();
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----';
    await assert.rejects(create('a', { sshKeys: [key] }), { code: 'invalid_ssh_key', hint: /\.pub/ });
    await assert.rejects(create('a', { kernel: 'mine' }), { code: 'kernel_not_found' });
    await assert.rejects(create('a', { userData: '#cloud-config' }), { code: 'not_supported' });
  });

  it('refuses an address outside the subnet, of the bridge, and of another VM', async () => {
    const { create } = await testEngine();
    await create('a', { ip: '172.16.0.9' });
    await assert.rejects(create('b', { ip: '10.0.0.2' }), { code: 'invalid_input' });
    await assert.rejects(create('b', { ip: '172.16.0.1' }), { code: 'invalid_input', hint: /172\.16\.0\.1/ });
    await assert.rejects(create('b', { ip: '172.16.0.9' }), { code: 'address_in_use' });
  });

  it('refuses mounts that are missing, files, overlapping, or hold the data directory, seen through symlinks', async () => {
    const { world, create } = await testEngine();
    for (const path of ['/srv', '/srv/web', '/var', '/home']) world.host.setPath(path, 'directory');
    world.host.setPath('/etc/passwd', 'file');
    world.host.link('/link', '/srv/web');
    const mount = (source: string, tag = 'data') => ({ source, tag, mode: 'rw' as const, kind: 'copy' as const });
    await assert.rejects(create('a', { mounts: [mount('/nowhere')] }), { code: 'invalid_mount', hint: /mkdir/ });
    await assert.rejects(create('a', { mounts: [mount('/etc/passwd')] }), { code: 'invalid_mount', message: /file/ });
    await assert.rejects(create('a', { mounts: [mount('/var')] }), {
      code: 'invalid_mount',
      message: /data directory/,
    });
    await assert.rejects(create('a', { mounts: [mount('/srv', 'one'), mount('/link', 'two')] }), {
      code: 'invalid_mount',
      message: /overlap/,
    });
    await assert.rejects(create('a', { mounts: [mount('/srv'), mount('/home')] }), { code: 'invalid_mount' });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testEngine } from '../../../test/support/test-engine.ts';
import { setVm } from './set.ts';

const { signal } = new AbortController();

describe('set', () => {
  it('changes what is named and leaves the rest', async () => {
    const { context, create, start, world } = await testEngine();
    await create('web1', { cpus: 1, memoryMiB: 1024 });
    const { vm, notices } = await setVm(context, 'web1', { cpus: 4 }, signal);
    assert.equal(vm.spec.cpus, 4);
    assert.equal(vm.spec.memoryMiB, 1024);
    assert.deepEqual(notices, []);
    await start('web1');
    assert.equal(world.hypervisor.machine('web1').plan.cpus, 4);
  });

  it('tells what a running guest is given at its next start only', async () => {
    const { context, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    const { notices } = await setVm(context, 'web1', { cpus: 4, autostart: false }, signal);
    assert.deepEqual(notices, ['VM web1 is running: cpus will change at its next start.']);
    assert.deepEqual((await setVm(context, 'web1', { autostart: true }, signal)).notices, []);
  });

  it('grows the disk of a stopped VM', async () => {
    const { context, create } = await testEngine();
    await create('web1', { diskMiB: 1024 });
    await setVm(context, 'web1', { diskMiB: 4096 }, signal);
    assert.equal(context.store.findVm('web1')?.disk.sizeBytes, 4096 * 2 ** 20);
  });

  it('never shrinks a disk, and grows none under a running guest', async () => {
    const { context, create, start, inspect } = await testEngine();
    await create('web1', { diskMiB: 1024 });
    await assert.rejects(setVm(context, 'web1', { diskMiB: 600 }, signal), {
      code: 'invalid_input',
      message: /shrink/,
    });
    await start('web1');
    await assert.rejects(setVm(context, 'web1', { diskMiB: 4096 }, signal), { code: 'illegal_state' });
    await setVm(context, 'web1', { diskMiB: 1024 }, signal);
    assert.equal(inspect('web1').spec.diskMiB, 1024);
  });

  it('changes nothing when the disk cannot grow', async () => {
    const { world, context, create, inspect } = await testEngine();
    await create('web1', { diskMiB: 1024 });
    world.script.fail('volumes.growDisk');
    await assert.rejects(setVm(context, 'web1', { diskMiB: 4096, cpus: 2 }, signal), { code: 'command_failed' });
    assert.equal(inspect('web1').spec.diskMiB, 1024);
    assert.equal(inspect('web1').spec.cpus, 1);
  });

  it('refuses what a create would refuse', async () => {
    const { context, create, inspect } = await testEngine();
    await create('a', { ip: '172.16.0.9' });
    await create('b');
    await assert.rejects(setVm(context, 'b', { ip: '172.16.0.9' }, signal), { code: 'address_in_use' });
    await assert.rejects(setVm(context, 'b', { memoryMiB: 99_999 }, signal), { code: 'too_few_resources' });
    await assert.rejects(setVm(context, 'b', { sshKeys: ['no key'] }, signal), { code: 'invalid_ssh_key' });
    assert.equal(inspect('b').spec.ip, undefined);
  });

  it('gives a new address at the next start', async () => {
    const { context, create, start, stop } = await testEngine();
    await create('web1');
    await start('web1');
    await setVm(context, 'web1', { ip: '172.16.9.9' }, signal);
    await stop('web1');
    assert.equal((await start('web1')).vm.status.ip, '172.16.9.9');
  });
});

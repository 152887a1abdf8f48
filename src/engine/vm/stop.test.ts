import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { testEngine, testReporter } from '../../../test/support/test-engine.ts';
import { VmmError } from '../../contract/errors.ts';
import { quiet } from '../../fakes/fake-clock.ts';
import { restartVm } from './restart.ts';

/** A running VM named web1. */
async function running({ silent = false } = {}) {
  const engine = await testEngine();
  if (silent) engine.world.hypervisor.behaviours.set('web1', 'silent');
  await engine.create('web1');
  await engine.start('web1', { wait: !silent });
  return engine;
}

describe('stop', () => {
  it('asks the guest by its agent, and leaves the host empty', async () => {
    const { world, stop, events } = await running();
    world.script.calls.length = 0;
    const vm = await stop('web1');
    assert.equal(vm.status.phase, 'stopped');
    assert.equal(vm.status.exitCause, 'stopped');
    assert.equal(vm.status.exitDetail, undefined);
    assert.equal(vm.status.pid, undefined);
    assert.ok(!world.script.calls.includes('handle.kill'));
    assert.ok(!world.script.calls.includes('handle.requestPowerDown'));
    assert.deepEqual(events('web1').slice(-2), ['vm.stopping', 'vm.stopped']);
    assert.equal(world.network.bridge, false);
    assert.deepEqual(world.leftovers(), []);
  });

  it('presses the power button when no agent answers', async () => {
    const { world, stop } = await running();
    world.script.fail('channel.agentShutdown');
    world.script.calls.length = 0;
    assert.equal((await stop('web1')).status.exitDetail, undefined);
    assert.ok(world.script.calls.includes('handle.requestPowerDown'));
    assert.ok(!world.script.calls.includes('handle.kill'));
  });

  it('ends a guest that does not listen at the deadline, and says so', async () => {
    const { world, stop } = await running({ silent: true });
    // A deadline alone keeps no process alive.
    const [vm] = await Promise.all([stop('web1', { timeoutSeconds: 0.05 }), setTimeout(100)]);
    assert.equal(vm.status.phase, 'stopped');
    assert.match(vm.status.exitDetail ?? '', /did not power off within/);
    assert.deepEqual(world.leftovers(), []);
  });

  it('ends it at once by force, without asking', async () => {
    const { world, stop } = await running({ silent: true });
    world.script.calls.length = 0;
    assert.equal((await stop('web1', { force: true })).status.exitDetail, undefined);
    assert.ok(!world.script.calls.includes('channel.agentShutdown'));
    assert.deepEqual(world.leftovers(), []);
  });

  it('that is cancelled leaves a guest that does not listen running, and can be repeated', async () => {
    const { world, stop, inspect } = await running({ silent: true });
    const { reporter, abort } = testReporter();
    const stopping = stop('web1', {}, reporter);
    await quiet();
    assert.equal(inspect('web1').status.phase, 'stopping');
    abort();
    await assert.rejects(stopping);
    assert.equal(inspect('web1').status.phase, 'running');
    assert.equal(world.hypervisor.machines().length, 1);
    await assert.rejects(stop('web1', {}, reporter), (thrown: unknown) => thrown instanceof Error);
    assert.equal((await stop('web1', { force: true })).status.phase, 'stopped');
  });

  it('leaves a stopped VM as it is', async () => {
    const { create, stop } = await testEngine();
    await create('web1');
    assert.equal((await stop('web1')).status.phase, 'stopped');
  });

  it('clears the failure of a VM whose start failed', async () => {
    const { world, create, start, stop, inspect } = await testEngine();
    await create('web1');
    world.hypervisor.failAfterStart = new VmmError('engine_failed', 'QEMU refused.');
    await assert.rejects(start('web1'));
    await stop('web1');
    assert.equal(inspect('web1').status.phase, 'stopped');
    assert.equal(inspect('web1').status.error, undefined);
  });

  it('waits for a launch that is under way, not for the guest, and the start says so', async () => {
    const { world, create, start, stop, inspect } = await testEngine();
    await create('web1');
    const starting = assert.rejects(start('web1'), { code: 'guest_exited', message: /stopped before it was ready/ });
    await stop('web1');
    assert.equal(inspect('web1').status.phase, 'stopped');
    await starting;
    assert.deepEqual(world.leftovers(), []);
  });

  it('can be repeated when the network could not be cleaned', async () => {
    const { world, stop, inspect } = await running();
    world.script.fail('network.removeTap');
    await assert.rejects(stop('web1'), { code: 'command_failed' });
    await stop('web1');
    assert.equal(inspect('web1').status.phase, 'stopped');
    assert.deepEqual(world.leftovers(), []);
  });
});

describe('restart', () => {
  const options = { force: false, wait: true, timeoutSeconds: 60 };

  it('gives a running VM a new process and the old address', async () => {
    const { context, inspect } = await running();
    const before = inspect('web1').status;
    const { vm } = await restartVm(context, 'web1', options, testReporter().reporter);
    assert.notEqual(vm.status.pid, before.pid);
    assert.equal(vm.status.ip, before.ip);
    assert.equal(vm.status.ready, true);
  });

  it('starts a stopped VM', async () => {
    const { context, create } = await testEngine();
    await create('web1');
    const { vm } = await restartVm(context, 'web1', options, testReporter().reporter);
    assert.equal(vm.status.phase, 'running');
  });
});

describe('the end of a run that nobody asked for', () => {
  it('is cleaned up after, with its cause', async () => {
    const { world, inspect, events } = await running();
    world.hypervisor.machine('web1').end('crashed', 'signal SIGSEGV');
    await quiet();
    const { status } = inspect('web1');
    assert.equal(status.phase, 'stopped');
    assert.equal(status.exitCause, 'crashed');
    assert.equal(status.exitDetail, 'signal SIGSEGV');
    assert.equal(status.ready, false);
    assert.equal(events('web1').at(-1), 'vm.stopped');
    assert.equal(world.network.bridge, false);
    assert.deepEqual(world.leftovers(), []);
  });

  it('is followed by another boot when the guest rebooted', async () => {
    const { world, inspect } = await running();
    const before = inspect('web1').status;
    world.hypervisor.machine('web1').end('guest-reboot');
    await quiet();
    await quiet();
    const { status } = inspect('web1');
    assert.equal(status.phase, 'running');
    assert.notEqual(status.pid, before.pid);
    assert.equal(status.ip, before.ip);
    assert.deepEqual(world.leftovers(), []);
  });

  it('that cannot be cleaned up after is told, ends nothing else, and a stop tries again', async () => {
    const { world, context, stop, events } = await running();
    world.script.fail('network.removeMember');
    world.hypervisor.machine('web1').end('crashed');
    await quiet();
    assert.equal(events('web1').at(-1), 'host.changed');
    assert.notEqual(context.store.findVm('web1')?.record, undefined);
    await stop('web1');
    assert.deepEqual(world.leftovers(), []);
  });
});

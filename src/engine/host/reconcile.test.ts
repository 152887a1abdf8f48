import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootEngine, testEngine, testReporter, verbs } from '../../../test/support/test-engine.ts';
import { VmmError } from '../../contract/errors.ts';
import { quiet } from '../../fakes/fake-clock.ts';
import type { FakeWorld } from '../../fakes/fake-world.ts';
import { autostart } from './autostart.ts';
import { reconcile } from './reconcile.ts';

const { signal } = new AbortController();

/** The daemon is killed and the next one comes up. */
async function restartDaemon(world: FakeWorld) {
  const context = bootEngine(world);
  await reconcile(context, signal);
  await quiet();
  return { context, ...verbs(context) };
}

describe('a new daemon', () => {
  it('adopts the VMs that run on, and can stop them', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    const { vm } = await start('web1');
    const next = await restartDaemon(world);
    assert.equal(next.inspect('web1').status.pid, vm.status.pid);
    assert.equal(next.events('web1').at(-1), 'vm.adopted');
    assert.deepEqual([...world.network.taps], [vm.status.tap]);
    await next.stop('web1');
    assert.deepEqual(world.leftovers(), []);
  });

  it('hears a guest for the first time that was booting when the old one died', async () => {
    const { world, create, start } = await testEngine();
    world.clock.auto = false;
    await create('web1');
    await start('web1', { wait: false });
    const next = await restartDaemon(world);
    await world.clock.advance(world.channel.bootMs);
    await quiet();
    assert.equal(next.inspect('web1').status.ready, true);
  });

  it('follows what it adopted: its end is cleaned up after', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    const next = await restartDaemon(world);
    world.hypervisor.machine('web1').end('guest-poweroff');
    await quiet();
    assert.equal(next.inspect('web1').status.exitCause, 'guest-poweroff');
    assert.deepEqual(world.leftovers(), []);
  });

  it('cleans up after a VM that died unwatched', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    world.daemon();
    world.hypervisor.machine('web1').end('crashed');
    const next = await restartDaemon(world);
    assert.equal(next.inspect('web1').status.phase, 'stopped');
    assert.equal(next.inspect('web1').status.exitCause, 'unknown');
    assert.equal(world.network.bridge, false);
    assert.deepEqual(world.leftovers(), []);
  });

  it('cleans up after a reboot of the host, and every VM starts again', async () => {
    const { world, create, start } = await testEngine();
    for (const name of ['a', 'b']) {
      await create(name);
      await start(name);
    }
    world.daemon();
    world.processes.reboot();
    world.network.taps.clear();
    world.network.members.clear();
    world.network.bridge = false;
    const next = await restartDaemon(world);
    assert.deepEqual(await autostart(next.context, testReporter().reporter), [{ name: 'a' }, { name: 'b' }]);
    assert.equal(next.inspect('a').status.phase, 'running');
  });

  it('is up although one VM cannot be taken over, and tells which', async () => {
    const { world, create, start } = await testEngine();
    for (const name of ['a', 'b']) {
      await create(name);
      await start(name);
    }
    world.script.fail('hypervisor.adopt');
    const next = await restartDaemon(world);
    assert.equal(next.events('a').at(-1), 'host.changed');
    assert.equal(next.events('b').at(-1), 'vm.adopted');
    await next.stop('a');
    await next.stop('b');
    assert.deepEqual(world.leftovers(), []);
  });

  it('is up although the network cannot be set up, and tells it', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    world.script.fail('network.reconcile', new VmmError('host_program_missing', 'nft is not installed.'));
    const next = await restartDaemon(world);
    assert.equal(next.events('host').at(-1), 'host.changed');
    assert.equal(next.inspect('web1').status.phase, 'running');
  });

  it('is up although an old start cannot be undone yet, and the next one tries again', async () => {
    const { world, context, create, start } = await testEngine();
    await create('web1');
    const trial = await testEngine();
    await trial.create('web1');
    const before = trial.world.script.calls.length;
    await trial.start('web1');
    const launch = trial.world.script.calls.slice(before).indexOf('hypervisor.launch') + 1;
    world.script.killDaemonAt(launch, 'after');
    void start('web1').catch(() => undefined);
    await context.died;
    world.script.dontKill();
    world.script.fail('network.removeTap');
    const next = await restartDaemon(world);
    assert.equal(next.events('host').at(-1), 'host.changed');
    assert.notDeepEqual(world.leftovers(), []);
    await restartDaemon(world);
    assert.deepEqual(world.leftovers(), []);
  });

  it('removes files of VMs that are not recorded', async () => {
    const { world } = await testEngine();
    world.files.put(world.paths.vmDisk('0123456789abcdef'), 1);
    await restartDaemon(world);
    assert.deepEqual(world.leftovers(), []);
  });
});

describe('autostart', () => {
  it('leaves alone what its owner stopped or does not want, and what runs already', async () => {
    const { context, create, start, stop, inspect } = await testEngine();
    for (const name of ['fresh', 'runs', 'stopped']) await create(name);
    await create('manual', { autostart: false });
    await start('runs');
    await start('stopped');
    await stop('stopped');
    assert.deepEqual(await autostart(context, testReporter().reporter), [{ name: 'fresh' }]);
    assert.equal(inspect('stopped').status.phase, 'stopped');
    assert.equal(inspect('manual').status.phase, 'stopped');
  });

  it('starts again what ended by itself, or was started by hand after a stop', async () => {
    const { world, context, create, start, stop } = await testEngine();
    await create('web1');
    await start('web1');
    await stop('web1');
    await start('web1');
    world.hypervisor.machine('web1').end('crashed');
    await quiet();
    assert.deepEqual(await autostart(context, testReporter().reporter), [{ name: 'web1' }]);
  });

  it('goes on past one that fails, and says why', async () => {
    const { world, context, create, inspect } = await testEngine();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await create(name);
    world.hypervisor.behaviours.set('b', 'panics');
    const results = await autostart(context, testReporter().reporter);
    assert.deepEqual(
      results.filter(({ error }) => error !== undefined),
      [{ name: 'b', error: 'VM b ended before it was ready.' }],
    );
    assert.equal(inspect('f').status.phase, 'running');
  });
});

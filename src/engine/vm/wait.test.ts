import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { testEngine } from '../../../test/support/test-engine.ts';
import { quiet } from '../../fakes/fake-clock.ts';
import { waitVm } from './wait.ts';

const { signal } = new AbortController();
const ready = { for: 'ready', timeoutSeconds: 60 } as const;
const stopped = { for: 'stopped', timeoutSeconds: 60 } as const;

describe('wait', () => {
  it('for a guest that boots ends when it answers', async () => {
    const { world, context, create, start } = await testEngine();
    world.clock.auto = false;
    await create('web1');
    await start('web1', { wait: false });
    const waiting = waitVm(context, 'web1', ready, signal);
    await world.clock.advance(world.channel.bootMs);
    assert.equal((await waiting).status.ready, true);
  });

  it('for a start that is under way goes on to its guest', async () => {
    const { context, create, start } = await testEngine();
    await create('web1');
    const starting = start('web1');
    await Promise.resolve();
    while (context.store.findVm('web1')?.vm.status.phase === 'stopped') await Promise.resolve();
    assert.equal((await waitVm(context, 'web1', ready, signal)).status.ready, true);
    await starting;
  });

  it('for a start that still makes the guest kit goes on to its guest', async () => {
    const { world, context, create, start } = await testEngine();
    world.files.removeTree(world.paths.kernels);
    await create('web1');
    world.script.calls.length = 0;
    const starting = start('web1');
    while (!world.script.calls.includes('kit.ensure')) await Promise.resolve();
    assert.equal((await waitVm(context, 'web1', ready, signal)).status.ready, true);
    await starting;
  });

  it('for readiness of a stopped VM says that it is not running', async () => {
    const { context, create } = await testEngine();
    await create('web1');
    await assert.rejects(waitVm(context, 'web1', ready, signal), { code: 'guest_exited' });
  });

  it('for the end of a run ends with it', async () => {
    const { world, context, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    const waiting = waitVm(context, 'web1', stopped, signal);
    await quiet();
    world.hypervisor.machine('web1').end('guest-poweroff');
    assert.equal((await waiting).status.exitCause, 'guest-poweroff');
    assert.equal(context.listeners.size, 0);
  });

  it('for the end of a stopped VM ends at once', async () => {
    const { context, create } = await testEngine();
    await create('web1');
    assert.equal((await waitVm(context, 'web1', stopped, signal)).status.phase, 'stopped');
  });

  it('gives up at its deadline, and when it is cancelled', async () => {
    const { context, create, start } = await testEngine();
    await create('web1');
    await start('web1');
    const late = assert.rejects(waitVm(context, 'web1', { for: 'stopped', timeoutSeconds: 0.02 }, signal), {
      code: 'guest_timeout',
    });
    // A deadline alone keeps no process alive.
    await Promise.all([late, setTimeout(100)]);
    const controller = new AbortController();
    const waiting = waitVm(context, 'web1', stopped, controller.signal);
    controller.abort();
    await assert.rejects(waiting, { code: 'aborted' });
    await assert.rejects(waitVm(context, 'web1', stopped, controller.signal), { code: 'aborted' });
    assert.equal(context.listeners.size, 0);
  });

  it('for the end of a VM that is deleted ends as well, and does not disturb the delete', async () => {
    const { context, create, start, remove } = await testEngine();
    await create('web1');
    await start('web1');
    const waiting = waitVm(context, 'web1', stopped, signal);
    await remove('web1', { force: true });
    assert.equal((await waiting).name, 'web1');
  });
});

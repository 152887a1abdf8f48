import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootEngine, testEngine, verbs } from '../../../test/support/test-engine.ts';
import { reconcile } from '../host/reconcile.ts';

const trouble = 'the file system of its disk is full';
const status = 'The guest is paused: the file system of its disk is full.';

async function held() {
  const engine = await testEngine();
  await engine.create('web1');
  await engine.start('web1');
  engine.world.hypervisor.machine('web1').hold(trouble);
  return engine;
}

describe('a guest that its engine holds', () => {
  it('is told in its status and once as an event, until it goes on', async () => {
    const { world, context, inspect, events } = await held();
    const machine = world.hypervisor.machine('web1');
    machine.hold(trouble);
    assert.equal(inspect('web1').status.phase, 'running');
    assert.equal(inspect('web1').status.error, status);
    machine.hold(undefined);
    assert.equal(inspect('web1').status.error, undefined);
    assert.deepEqual(events('web1').slice(-2), ['vm.changed', 'vm.changed']);
    assert.equal(events('web1').filter((type) => type === 'vm.changed').length, 2);
    const said = context.store.listEvents({ after: 0, subject: 'web1', limit: 1000 }).map(({ message }) => message);
    assert.deepEqual(said.slice(-2), [`VM web1 is paused: ${trouble}.`, 'VM web1 goes on.']);
  });

  it('is known to the next daemon, which tells it when it goes on', async () => {
    const { world } = await held();
    const context = bootEngine(world);
    await reconcile(context, AbortSignal.timeout(10_000));
    const { inspect, events } = verbs(context);
    assert.equal(inspect('web1').status.error, status);
    assert.equal(events('web1').filter((type) => type === 'vm.changed').length, 1);
    world.hypervisor.machine('web1').hold(undefined);
    assert.equal(inspect('web1').status.error, undefined);
  });

  it('can be stopped, and is stopped without an error', async () => {
    const { world, stop, inspect } = await held();
    await stop('web1', { force: true });
    assert.equal(inspect('web1').status.phase, 'stopped');
    assert.equal(inspect('web1').status.error, undefined);
    assert.deepEqual(world.leftovers(), []);
  });
});

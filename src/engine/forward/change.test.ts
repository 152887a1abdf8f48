import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testEngine } from '../../../test/support/test-engine.ts';
import { addForward, removeForward } from './change.ts';

const { signal } = new AbortController();
const forward = (hostPort: number, guestPort = 80, protocol: 'tcp' | 'udp' = 'tcp', bind = '0.0.0.0') => ({
  protocol,
  bind,
  hostPort,
  guestPort,
});

async function two() {
  const engine = await testEngine();
  await engine.create('a');
  await engine.create('b');
  const onHost = (name: string) => engine.world.network.members.get(engine.idOf(name))?.forwards ?? [];
  return { ...engine, onHost };
}

describe('forwards', () => {
  it('of a running VM work at once, and come back at the next start', async () => {
    const { context, start, stop, onHost } = await two();
    await start('a');
    await addForward(context, 'a', forward(8080), signal);
    assert.deepEqual(onHost('a'), [forward(8080)]);
    await stop('a');
    assert.deepEqual(onHost('a'), []);
    await start('a');
    assert.deepEqual(onHost('a'), [forward(8080)]);
  });

  it('of a stopped VM wait for its start', async () => {
    const { world, context, start, onHost } = await two();
    await addForward(context, 'a', forward(8080), signal);
    assert.equal(world.network.members.size, 0);
    await start('a');
    assert.deepEqual(onHost('a'), [forward(8080)]);
  });

  it('end at once when removed, and leave the others', async () => {
    const { context, start, onHost, inspect } = await two();
    await start('a');
    await addForward(context, 'a', forward(8080), signal);
    await addForward(context, 'a', forward(5353, 53, 'udp'), signal);
    const removed = await removeForward(context, 'a', { hostPort: 8080, protocol: 'tcp', bind: undefined }, signal);
    assert.deepEqual(removed, forward(8080));
    assert.deepEqual(onHost('a'), [forward(5353, 53, 'udp')]);
    assert.deepEqual(inspect('a').spec.forwards, [forward(5353, 53, 'udp')]);
  });

  it('are refused where another VM has the port, running or not', async () => {
    const { context } = await two();
    await addForward(context, 'a', forward(8080), signal);
    await assert.rejects(addForward(context, 'b', forward(8080, 81), signal), {
      code: 'port_in_use',
      hint: /port-forward remove a 8080/,
    });
    await assert.rejects(addForward(context, 'a', forward(8080, 81, 'tcp', '127.0.0.1'), signal), {
      code: 'port_in_use',
    });
    await addForward(context, 'b', forward(8080, 80, 'udp'), signal);
  });

  it('are given once when two VMs ask for one port at the same time', async () => {
    const { context, inspect } = await two();
    const outcomes = await Promise.allSettled([
      addForward(context, 'a', forward(8080), signal),
      addForward(context, 'b', forward(8080), signal),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    assert.equal(inspect('a').spec.forwards.length + inspect('b').spec.forwards.length, 1);
  });

  it('are refused where a program of the host listens, and nothing is recorded', async () => {
    const { world, context, inspect, start } = await two();
    world.network.listen('tcp', 8080, 'nginx');
    await assert.rejects(addForward(context, 'a', forward(8080), signal), { code: 'port_in_use', message: /nginx/ });
    assert.deepEqual(inspect('a').spec.forwards, []);
    await addForward(context, 'a', forward(9090), signal);
    world.network.listen('tcp', 9090, 'nginx');
    await assert.rejects(start('a'), { code: 'port_in_use' });
    assert.deepEqual(world.leftovers(), []);
  });

  it('that the host refuses are not recorded', async () => {
    const { world, context, inspect, start } = await two();
    await start('a');
    world.script.fail('network.addMember');
    await assert.rejects(addForward(context, 'a', forward(8080), signal), { code: 'command_failed' });
    assert.deepEqual(inspect('a').spec.forwards, []);
  });

  it('that are not there cannot be removed', async () => {
    const { context } = await two();
    await assert.rejects(removeForward(context, 'a', { hostPort: 1, protocol: 'tcp', bind: undefined }, signal), {
      code: 'forward_not_found',
      hint: 'vmm port-forward list a',
    });
  });

  it('given twice at a create are refused', async () => {
    const { create } = await two();
    await assert.rejects(create('c', { forwards: [forward(80), forward(80, 81)] }), { code: 'port_in_use' });
  });
});

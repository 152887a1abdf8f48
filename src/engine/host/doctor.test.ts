import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootEngine, testEngine } from '../../../test/support/test-engine.ts';
import { fakeWorld } from '../../fakes/fake-world.ts';
import { diagnose } from './doctor.ts';

const { signal } = new AbortController();

describe('doctor', () => {
  it('finds nothing wrong on a host that is ready', async () => {
    const { context } = await testEngine();
    const checks = await diagnose(context, true, signal);
    assert.deepEqual(
      checks.map(({ name, status }) => `${name} ${status}`),
      ['root ok', 'engine ok', 'kernel ok', 'images ok', 'disk ok', 'bridge ok'],
    );
  });

  it('says of all that is missing what to type', async () => {
    const world = fakeWorld();
    world.host.root = false;
    world.hypervisor.available = false;
    world.files.capacityBytes = 2 ** 30;
    const checks = await diagnose(bootEngine(world), true, signal);
    const bad = checks.filter(({ status }) => status !== 'ok');
    assert.deepEqual(
      bad.map(({ name, status }) => `${name} ${status}`),
      ['root failed', 'engine failed', 'kernel warning', 'images warning', 'disk warning'],
    );
    for (const { name, hint } of bad) if (name !== 'engine') assert.match(hint ?? '', /vmm /, name);
  });

  it('warns where guests are only emulated', async () => {
    const { world, context } = await testEngine();
    world.hypervisor.acceleration = 'tcg';
    const checks = await diagnose(context, true, signal);
    assert.equal(checks.find(({ name }) => name === 'engine')?.status, 'warning');
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { testEngine, testReporter } from '../../../test/support/test-engine.ts';
import { quiet } from '../../fakes/fake-clock.ts';
import { addMount, removeMount } from './change.ts';
import { notePulled, pullMount } from './pull.ts';
import { syncMount } from './sync.ts';
import { viewMounts } from './views.ts';

const { signal } = new AbortController();
const data = { source: '/srv', tag: 'data', mode: 'rw', kind: 'copy' } as const;

/** A VM that ran once, with one mount that its guest wrote to. */
async function written() {
  const engine = await testEngine();
  const { world, create, start, stop, idOf } = engine;
  world.host.setPath('/srv', 'directory');
  world.host.setPath('/home', 'directory');
  await create('web1', { mounts: [data] });
  await start('web1');
  const write = () => world.volumes.guestWrites(idOf('web1'), 'data');
  write();
  await stop('web1');
  const kept = () => world.volumes.listKept(idOf('web1'), 'data');
  return { ...engine, write, kept };
}

describe('mounts', () => {
  it('are made anew at each start; what the guest wrote is kept aside first, and told', async () => {
    const { world, start, kept, events } = await written();
    const { notices } = await start('web1');
    const [copy = ''] = await kept();
    assert.match(notices.join('\n'), new RegExp(`kept as ${copy}.*vmm mount pull web1 data`));
    assert.ok(events('web1').includes('mount.kept'));
    assert.deepEqual(world.leftovers(), []);
  });

  it('keep nothing of a guest that wrote nothing', async () => {
    const { start, stop, kept } = await written();
    await start('web1');
    await stop('web1');
    const { notices } = await start('web1');
    assert.deepEqual(
      notices.filter((notice) => notice.includes('kept')),
      [],
    );
    assert.equal((await kept()).length, 1);
  });

  it('keep three copies and say which one goes', async () => {
    const { world, context, write, kept } = await written();
    const { reporter } = testReporter();
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      write();
      const { notices } = await syncMount(context, 'web1', 'data', reporter);
      seen.push(...(await kept()));
      assert.equal(notices.length, round < 3 ? 1 : 2);
      if (round === 3) assert.ok(notices[1]?.includes(seen[0] ?? 'none'));
      await world.clock.advance(1_000);
    }
    assert.equal((await kept()).length, 3);
    assert.ok(!(await kept()).includes(seen[0] ?? ''));
  });

  it('cannot be synced or pulled while the VM runs', async () => {
    const { context, start } = await written();
    await start('web1');
    const { reporter } = testReporter();
    await assert.rejects(syncMount(context, 'web1', 'data', reporter), {
      code: 'illegal_state',
      hint: 'vmm stop web1',
    });
    await assert.rejects(pullMount(context, 'web1', 'data', undefined, signal), { code: 'illegal_state' });
    await assert.rejects(removeMount(context, 'web1', 'data', true), { code: 'illegal_state' });
  });

  it('lock the VM while they are pulled, and no longer', async () => {
    const { context, start } = await written();
    const tar = await pullMount(context, 'web1', 'data', undefined, signal);
    await assert.rejects(start('web1'), { code: 'vm_busy', message: /pull a mount/ });
    assert.equal((await buffer(tar)).length, 1024);
    await quiet();
    await start('web1');
  });

  it('unlock the VM when the reader of a pull goes away', async () => {
    const { context, start } = await written();
    const tar = await pullMount(context, 'web1', 'data', undefined, signal);
    tar.destroy();
    await once(tar, 'close');
    await quiet();
    await start('web1');
  });

  it('unlock the VM when a pull cannot begin', async () => {
    const { world, context, start } = await written();
    world.script.fail('mountReader.readTree');
    await assert.rejects(pullMount(context, 'web1', 'data', undefined, signal), { code: 'command_failed' });
    await start('web1');
  });

  it('count as pulled once somebody says so, a kept copy by itself', async () => {
    const { context, start, stop, write, kept, inspect } = await written();
    await notePulled(context, 'web1', 'data', undefined);
    assert.equal((await viewMounts(context, inspect('web1')))[0]?.unpulledWrites, false);
    write();
    await start('web1');
    await stop('web1');
    const [copy = ''] = await kept();
    const tar = await pullMount(context, 'web1', 'data', copy, signal);
    assert.equal((await buffer(tar)).length, 1024);
    await notePulled(context, 'web1', 'data', copy);
    assert.deepEqual(await kept(), []);
    await assert.rejects(pullMount(context, 'web1', 'data', copy, signal), {
      code: 'mount_not_found',
      hint: /No copy/,
    });
  });

  it('are not removed with what nobody pulled, unless forced', async () => {
    const { world, context, inspect } = await written();
    await assert.rejects(removeMount(context, 'web1', 'data', false), { code: 'mount_has_changes' });
    assert.equal(inspect('web1').spec.mounts.length, 1);
    await removeMount(context, 'web1', 'data', true);
    assert.deepEqual(inspect('web1').spec.mounts, []);
    assert.deepEqual(world.files.under(world.paths.mounts), []);
  });

  it('that are added are seen from the next start on, with the next letter', async () => {
    const { world, context, start } = await written();
    const view = await addMount(context, 'web1', { ...data, source: '/home', tag: 'home', mode: 'ro' });
    assert.equal(view.device, '/dev/vdc');
    await assert.rejects(addMount(context, 'web1', { ...data, source: '/home', tag: 'home' }), {
      code: 'invalid_mount',
    });
    await start('web1');
    const { drives } = world.hypervisor.machine('web1').plan;
    assert.deepEqual(
      drives.map(({ id, readOnly }) => `${id} ${readOnly ? 'ro' : 'rw'}`),
      ['root rw', 'mount0 rw', 'mount1 ro', 'base ro', 'seed ro', 'modules ro'],
    );
  });

  it('that are live are shared and never copied', async () => {
    const { world, context, create, start } = await testEngine();
    world.host.setPath('/srv', 'directory');
    await create('web1', { mounts: [{ ...data, kind: 'live' }] });
    await start('web1');
    const { plan } = world.hypervisor.machine('web1');
    assert.deepEqual(plan.shares, [{ tag: 'data', source: '/srv', readOnly: false }]);
    assert.deepEqual(world.files.under(world.paths.mounts), []);
    const { reporter } = testReporter();
    await assert.rejects(syncMount(context, 'web1', 'data', reporter), { code: 'not_supported' });
    await assert.rejects(pullMount(context, 'web1', 'data', undefined, signal), { code: 'not_supported' });
  });

  it('whose directory is gone stop the start, and leave nothing', async () => {
    const { world, start, inspect, kept } = await written();
    world.host.setPath('/srv', 'missing');
    await assert.rejects(start('web1'), { code: 'invalid_mount', hint: 'mkdir -p /srv' });
    assert.equal(inspect('web1').status.phase, 'failed');
    assert.deepEqual(await kept(), []);
    assert.deepEqual(world.leftovers(), []);
  });

  it('keep the guest’s writes when the disk is full', async () => {
    const { world, context, start, inspect, kept } = await written();
    world.files.capacityBytes -= world.files.freeBytes();
    await assert.rejects(start('web1'), { code: 'disk_full' });
    const [view] = await viewMounts(context, inspect('web1'));
    assert.ok(view?.unpulledWrites || (await kept()).length === 1);
    assert.deepEqual(world.leftovers(), []);
  });
});

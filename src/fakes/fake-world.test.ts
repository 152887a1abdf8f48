import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VmmError } from '../contract/errors.ts';
import type { LaunchPlan, VmmRecord } from '../ports/hypervisor.ts';
import { FakeClock, quiet } from './fake-clock.ts';
import { type FakePorts, type FakeWorld, fakeWorld } from './fake-world.ts';
import { DaemonKilled } from './stage.ts';

const { signal } = new AbortController();
const onProgress = () => undefined;

/** Prepares and launches a VM as the engine would, without writing it to the database. */
async function launch(world: FakeWorld, daemon: FakePorts, name = 'web1', onStarted = async (_: VmmRecord) => {}) {
  const boot = await daemon.kit.ensure({ onProgress, signal });
  const image = await daemon.images.build({ name: 'tiny', recipe: 'tiny', onProgress, signal });
  const basePath = daemon.images.basePath(image.digest);
  const disk = await daemon.volumes.createDisk({ vmId: name, basePath, sizeBytes: 1, signal });
  await daemon.network.ensure(signal);
  const mtu = await daemon.network.addTap(`tap-${name}`, signal);
  const [ip, mac, tap] = ['172.16.0.2', '02:00:00:00:00:02', `tap-${name}`];
  await daemon.network.addMember({ vmId: name, name, tap, mac, ip, forwards: [] }, signal);
  const plan: LaunchPlan = {
    vmId: name,
    name,
    cpus: 1,
    memoryMiB: 64,
    boot,
    kernelArgs: [],
    drives: [{ id: 'root', path: disk.path, readOnly: false }],
    nic: { tap, mac, mtu },
    shares: [],
    runtimeDir: world.paths.vmRuntime(name),
    consoleLogPath: world.paths.consoleLog(name),
  };
  const [hypervisor] = daemon.hypervisors;
  assert.ok(hypervisor);
  return { hypervisor, handle: await hypervisor.launch(plan, onStarted, signal) };
}

describe('the fake world', () => {
  it('runs a guest that answers ssh and powers off when asked', async () => {
    const world = fakeWorld();
    const daemon = world.daemon();
    const { handle } = await launch(world, daemon);
    await daemon.channel.awaitSsh('172.16.0.2', { timeoutMs: 10_000, signal });
    await handle.requestPowerDown(signal);
    assert.deepEqual(await handle.exited, { cause: 'guest-poweroff' });
    assert.deepEqual(world.hypervisor.machines(), []);
  });

  it('tells everything that no VM accounts for', async () => {
    const world = fakeWorld();
    const daemon = world.daemon();
    await launch(world, daemon);
    const entry = { sagaId: 's1', saga: 'start', subject: 'web1', step: 'tap', index: 0, data: {} };
    daemon.store.journal(entry);
    assert.deepEqual(world.leftovers(), [
      'tap tap-web1',
      'network rules of web1',
      'process qemu web1',
      'machine web1',
      'file /var/lib/vmm/vms/web1/disk.img',
      'console log /var/lib/vmm/logs/web1.log',
      'journal start of web1, step tap',
    ]);
    world.hypervisor.machine('web1').end('crashed');
    await daemon.network.reconcile([], signal);
    await daemon.volumes.removeVm('web1');
    await daemon.consoles.remove(world.paths.consoleLog('web1'));
    daemon.store.closeSaga('s1');
    assert.deepEqual(world.leftovers(), []);
  });

  it('lets the next daemon adopt what the killed one left running', async () => {
    const world = fakeWorld();
    const first = await launch(world, world.daemon());
    const [hypervisor] = world.daemon().hypervisors;
    const handle = await hypervisor?.adopt(first.handle.record);
    assert.ok(handle);
    let seenByTheDead = false;
    void first.handle.exited.then(() => {
      seenByTheDead = true;
    });
    world.hypervisor.machine('web1').end('guest-panic', 'Oops');
    assert.deepEqual(await handle.exited, { cause: 'guest-panic', detail: 'Oops' });
    await quiet();
    assert.equal(seenByTheDead, false);
    assert.equal(await hypervisor?.adopt(first.handle.record), undefined);
  });

  it('kills the daemon before or after the effect of any call', async () => {
    for (const [when, expected] of [
      ['before', []],
      ['after', ['tap0']],
    ] as const) {
      const world = fakeWorld();
      const daemon = world.daemon();
      await daemon.network.ensure(signal);
      world.script.killDaemonAt(1, when);
      const call = daemon.network.addTap('tap0', signal).then(() => 'came back');
      assert.equal(await Promise.race([call, daemon.died]), undefined);
      assert.deepEqual([...world.network.taps], expected);
      assert.throws(() => daemon.store.setSetting('a', 'b'), DaemonKilled);
      void daemon.network.addTap('tap1', signal);
      await quiet();
      assert.equal(world.network.taps.has('tap1'), false);
    }
  });

  it('undoes a transaction in which the daemon is killed', () => {
    const world = fakeWorld();
    const daemon = world.daemon();
    world.script.killDaemonAt(2, 'after');
    assert.throws(
      () =>
        daemon.store.transaction(() => {
          daemon.store.setSetting('a', '1');
          daemon.store.setSetting('b', '2');
        }),
      DaemonKilled,
    );
    assert.equal(world.daemon().store.getSetting('a'), undefined);
  });

  it('fails and hangs calls as told', async () => {
    const world = fakeWorld();
    const { network } = world.daemon();
    world.script.fail('network.ensure', new VmmError('network_failed', 'No bridge.'));
    await assert.rejects(network.ensure(signal), { code: 'network_failed' });
    await network.ensure(signal);
    world.script.hang('network.ensure');
    const abort = new AbortController();
    const hanging = network.ensure(abort.signal);
    await quiet();
    abort.abort();
    await assert.rejects(hanging, { code: 'aborted' });
  });

  it('leaves no process of a launch that fails after its start', async () => {
    const world = fakeWorld();
    world.hypervisor.failAfterStart = new VmmError('engine_failed', 'Refused.');
    let started: VmmRecord | undefined;
    const launching = launch(world, world.daemon(), 'web1', async (record) => {
      started = record;
    });
    await assert.rejects(launching, { code: 'engine_failed' });
    assert.ok(started);
    assert.deepEqual(world.processes.living(), []);
  });

  it('has the panic of a guest on its console', async () => {
    const world = fakeWorld();
    world.hypervisor.behaviours.set('web1', 'panics');
    const daemon = world.daemon();
    const { handle } = await launch(world, daemon);
    assert.equal((await handle.exited).cause, 'guest-panic');
    assert.match(await daemon.consoles.tail(world.paths.consoleLog('web1'), 1), /^Kernel panic/);
  });

  it('runs full', async () => {
    const world = fakeWorld();
    const { images } = world.daemon();
    world.files.capacityBytes = 1024;
    await assert.rejects(images.build({ name: 'debian', recipe: 'debian', onProgress, signal }), { code: 'disk_full' });
    assert.deepEqual(world.files.under('/var/lib/vmm'), []);
  });
});

describe('the fake clock', () => {
  it('leaps to the earliest sleeper when all else is quiet', async () => {
    const clock = new FakeClock(new Date(0));
    const woken: string[] = [];
    const sleep = (name: string, ms: number) =>
      clock.sleep(ms).then(() => woken.push(`${name} ${clock.now().getTime()}`));
    await Promise.all([sleep('b', 2_000), sleep('a', 1_000), sleep('c', 60_000)]);
    assert.deepEqual(woken, ['a 1000', 'b 2000', 'c 60000']);
  });

  it('stands still without auto until it is advanced', async () => {
    const clock = new FakeClock(new Date(0));
    clock.auto = false;
    const abort = new AbortController();
    let woken = 0;
    const tick = async () => {
      await clock.sleep(10);
      woken++;
      await clock.sleep(10);
      woken++;
    };
    const ticking = tick();
    const cancelled = clock.sleep(5, abort.signal);
    abort.abort();
    await assert.rejects(cancelled, { name: 'AbortError' });
    await clock.advance(19);
    assert.equal(woken, 1);
    await clock.advance(1);
    await ticking;
    assert.equal(woken, 2);
    assert.equal(clock.sleeping, 0);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testEngine, testReporter } from '../../../test/support/test-engine.ts';
import { VmmError } from '../../contract/errors.ts';
import { quiet } from '../../fakes/fake-clock.ts';

describe('start', () => {
  it('waits until the guest answers ssh', async () => {
    const { world, create, start, events } = await testEngine();
    await create('web1');
    const { vm } = await start('web1');
    assert.equal(vm.status.phase, 'running');
    assert.equal(vm.status.ready, true);
    assert.equal(vm.status.ip, '172.16.0.2');
    assert.equal(vm.status.pid, world.hypervisor.machine('web1').record.process.pid);
    assert.deepEqual(events('web1'), ['vm.created', 'vm.starting', 'vm.running', 'vm.ready']);
    assert.deepEqual(world.leftovers(), []);
  });

  it('returns at once when nobody waits, and notes the readiness when it comes', async () => {
    const { world, create, start, inspect } = await testEngine();
    world.clock.auto = false;
    await create('web1');
    const { vm } = await start('web1', { wait: false });
    assert.equal(vm.status.phase, 'running');
    assert.equal(vm.status.ready, false);
    await world.clock.advance(world.channel.bootMs);
    await quiet();
    assert.equal(inspect('web1').status.ready, true);
  });

  it('leaves a running VM as it is, and tells it', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    const first = await start('web1');
    const again = await start('web1');
    assert.deepEqual(again.notices, ['VM web1 is running already.']);
    assert.equal(again.vm.status.pid, first.vm.status.pid);
    assert.equal(world.hypervisor.machines().length, 1);
  });

  it('leaves a VM running that ran before a cancelled start of it', async () => {
    const { world, create, start } = await testEngine();
    world.hypervisor.behaviours.set('web1', 'silent');
    await create('web1');
    await start('web1', { wait: false });
    const { reporter, abort } = testReporter();
    const starting = start('web1', {}, reporter);
    await quiet();
    abort();
    await assert.rejects(starting);
    assert.equal(world.hypervisor.machine('web1').plan.name, 'web1');
  });

  it('undoes a launch that fails, keeps the error, and forgets it at the next start', async () => {
    const { world, create, start, inspect } = await testEngine();
    await create('web1');
    world.hypervisor.failAfterStart = new VmmError('engine_failed', 'QEMU refused the drive.');
    await assert.rejects(start('web1'), { code: 'engine_failed' });
    assert.equal(inspect('web1').status.phase, 'failed');
    assert.equal(inspect('web1').status.error, 'QEMU refused the drive.');
    assert.equal(inspect('web1').status.tap, undefined);
    assert.equal(world.network.bridge, false);
    assert.deepEqual(
      world.files.under(world.paths.vms).filter((path) => path.includes('seed')),
      [],
    );
    assert.deepEqual(world.leftovers(), []);
    const { vm } = await start('web1');
    assert.equal(vm.status.phase, 'running');
    assert.equal(vm.status.error, undefined);
  });

  it('undoes itself whichever of its calls fails', async () => {
    const trial = await testEngine();
    await trial.create('web1');
    trial.world.script.calls.length = 0;
    await trial.start('web1', { wait: false });
    const calls = new Set(trial.world.script.calls.filter((call) => /^(network|volumes|kit|hypervisor)\./.test(call)));
    for (const call of calls) {
      if (call === 'volumes.mountImagePath' || call === 'hypervisor.name') continue;
      const { world, create, start, inspect } = await testEngine();
      await create('web1');
      world.script.fail(call);
      await assert.rejects(start('web1'), { code: 'command_failed' }, call);
      assert.equal(inspect('web1').status.phase, 'failed', call);
      assert.deepEqual(world.leftovers(), [], call);
      assert.equal(world.network.bridge, false, call);
      await start('web1');
    }
  });

  it('is undone when it is cancelled in the middle of any call, and can be tried again', async () => {
    const calls = [
      'kit.ensure',
      'hypervisor.probe',
      'network.ensure',
      'network.addTap',
      'network.addMember',
      'hypervisor.launch',
      'channel.awaitSsh',
    ];
    for (const call of calls) {
      const { world, create, start, inspect } = await testEngine();
      if (call === 'kit.ensure') world.files.removeTree(world.paths.kernels);
      // One that only follows the guest hears it first; the request's own wait is the one to hang.
      if (call === 'channel.awaitSsh') world.hypervisor.behaviours.set('web1', 'silent');
      await create('web1');
      const { reporter, abort } = testReporter();
      world.script.hang(call);
      const starting = start('web1', {}, reporter);
      await quiet();
      abort();
      await assert.rejects(starting, (thrown: unknown) => thrown instanceof Error, call);
      assert.equal(inspect('web1').status.phase, 'stopped', call);
      assert.equal(inspect('web1').status.error, undefined, call);
      assert.deepEqual(world.leftovers(), [], call);
      assert.equal(world.network.bridge, false, call);
      assert.deepEqual(world.hypervisor.machines(), [], call);
      world.hypervisor.behaviours.clear();
      await start('web1');
    }
  });

  it('leaves a guest that never answers running, and shows the end of its console', async () => {
    const { world, create, start, inspect } = await testEngine();
    world.hypervisor.behaviours.set('web1', 'silent');
    await create('web1');
    await assert.rejects(start('web1', { timeoutSeconds: 60 }), {
      code: 'guest_timeout',
      message: /within 60 s/,
      hint: /vmm console web1/,
      detail: /vmm: starting/,
    });
    assert.equal(inspect('web1').status.phase, 'running');
    assert.deepEqual(world.leftovers(), []);
  });

  it('tells that a guest ended while it booted, with the end of its console, and cleans up before it answers', async () => {
    const { world, create, start, inspect } = await testEngine();
    world.hypervisor.behaviours.set('web1', 'panics');
    await create('web1');
    await assert.rejects(start('web1'), { code: 'guest_exited', detail: /Kernel panic/ });
    assert.equal(inspect('web1').status.phase, 'stopped');
    assert.equal(inspect('web1').status.exitCause, 'guest-panic');
    assert.deepEqual(world.leftovers(), []);
    world.hypervisor.behaviours.clear();
    await start('web1');
  });

  it('waits on over a reboot in the middle of the first boot', async () => {
    const { world, create, start } = await testEngine();
    world.clock.auto = false;
    await create('web1');
    const starting = start('web1');
    await quiet();
    const first = world.hypervisor.machine('web1');
    first.end('guest-reboot');
    await quiet();
    world.clock.auto = true;
    await world.clock.advance(world.channel.bootMs);
    const { vm } = await starting;
    assert.equal(vm.status.ready, true);
    assert.notEqual(vm.status.pid, first.record.process.pid);
  });

  it('refuses a second start of the same VM while the first is under way', async () => {
    const { world, create, start } = await testEngine();
    await create('web1');
    const outcomes = await Promise.allSettled([start('web1'), start('web1')]);
    assert.equal(outcomes[0].status, 'fulfilled');
    assert.equal(outcomes[1].status === 'rejected' && outcomes[1].reason.code, 'vm_busy');
    assert.equal(world.hypervisor.machines().length, 1);
  });

  it('gives eight VMs started at once eight addresses', async () => {
    const { world, create, start, stop } = await testEngine();
    const names = Array.from({ length: 8 }, (_, index) => `vm${index}`);
    for (const name of names) await create(name);
    const started = await Promise.all(names.map((name) => start(name)));
    assert.equal(new Set(started.map(({ vm }) => vm.status.ip)).size, 8);
    assert.equal(new Set(started.map(({ vm }) => vm.status.mac)).size, 8);
    await Promise.all(names.map((name) => stop(name)));
    assert.deepEqual(world.leftovers(), []);
    assert.equal(world.network.bridge, false);
  });

  it('keeps the bridge under a VM that starts while the last other one ends', async () => {
    const { world, create, start, stop } = await testEngine();
    await create('old');
    await create('new');
    await start('old');
    for (let turns = 0; turns < 40; turns++) {
      const starting = start('new', { wait: false });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await stop('old', { force: true });
      await starting;
      assert.equal(world.network.bridge, true);
      await start('old', { wait: false });
      await stop('new', { force: true });
    }
  });

  it('fails alone when the subnet has no address left', async () => {
    const { world, create, start, inspect } = await testEngine({ subnet: '172.16.0.0/30' });
    await create('a');
    await create('b');
    await start('a');
    await assert.rejects(start('b'), { code: 'subnet_exhausted' });
    assert.equal(inspect('b').status.phase, 'failed');
    assert.equal(inspect('a').status.phase, 'running');
    assert.deepEqual(world.leftovers(), []);
  });

  it('gives the address that was asked for, and refuses it when the host has it itself', async () => {
    const { world, create, start } = await testEngine();
    await create('a', { ip: '172.16.5.5' });
    assert.equal((await start('a')).vm.status.ip, '172.16.5.5');
    world.network.reserved = ['172.16.0.1', '172.16.0.77'];
    await create('b', { ip: '172.16.0.77' });
    await assert.rejects(start('b'), { code: 'address_in_use', hint: /vmm set b --ip/ });
  });

  it('keeps the address over stop and start, also when others start in between', async () => {
    const { create, start, stop } = await testEngine();
    await create('a');
    await create('b');
    const { vm } = await start('a');
    await stop('a');
    await start('b');
    assert.equal((await start('a')).vm.status.ip, vm.status.ip);
    assert.equal((await start('a')).vm.status.mac, vm.status.mac);
  });

  it('makes the guest kit first when it is not there, once for all', async () => {
    const { world, create, start } = await testEngine();
    world.files.removeTree(world.paths.kernels);
    await create('a');
    await create('b');
    await Promise.all([start('a'), start('b')]);
    assert.ok(await world.kit.current());
  });

  it('says why no engine can run, and which the host does not know', async () => {
    const { world, create, start, inspect } = await testEngine();
    await create('a');
    await assert.rejects(create('b', { engine: 'firecracker' }), { code: 'not_supported', hint: /qemu/ });
    world.hypervisor.available = false;
    await assert.rejects(start('a'), { code: 'engine_unavailable', message: /qemu is not installed/ });
    assert.equal(inspect('a').status.phase, 'failed');
    assert.deepEqual(world.leftovers(), []);
  });

  it('gives the guest keys, network and mounts in a seed that is gone after the run', async () => {
    const { world, create, start, stop, idOf } = await testEngine();
    await create('web1', { dns: ['9.9.9.9'] });
    await start('web1');
    const seed = world.volumes.seeds.get(world.paths.vmSeed(idOf('web1'))) ?? [];
    const content = (path: string) => seed.find((file) => file.path === path)?.content;
    assert.equal(content('hostname'), 'web1\n');
    assert.equal(content('resolv.conf'), 'nameserver 9.9.9.9\n');
    assert.match(String(content('network')), /ADDRESS='172\.16\.0\.2\/16'/);
    await stop('web1');
    assert.equal(world.files.has(world.paths.vmSeed(idOf('web1'))), false);
  });
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { VmmError } from '../../../src/contract/errors.ts';
import type { LaunchPlan, VmmRecord } from '../../../src/ports/hypervisor.ts';
import { type Lab, openLab } from './support/lab.ts';

describe('a launch that fails', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  /** Launches what must fail; the process is gone by then and its directory too. */
  async function failure(plan: LaunchPlan, signal = AbortSignal.timeout(60_000)): Promise<VmmError> {
    const records: VmmRecord[] = [];
    const error = await lab.qemu
      .launch(plan, async (record) => void records.push(record), signal)
      .then(() => assert.fail('the launch went well'))
      .catch((thrown: VmmError) => thrown);
    for (const { process, helpers } of records) {
      for (const identity of [process, ...helpers]) assert.equal(await lab.deps.processes.isAlive(identity), false);
    }
    assert.equal(existsSync(plan.runtimeDir), false);
    return error;
  }

  test('names the drive that is not there', async () => {
    const path = join(lab.scratch, 'none.img');
    const error = await failure({ ...lab.barePlan('drive'), drives: [{ id: 'disk', path, readOnly: false }] });
    assert.equal(error.code, 'engine_failed');
    assert.match(error.message, /none\.img: No such file or directory/);
    assert.match(error.hint ?? '', /ls -l/);
  });

  test('names the kernel that is not there', async () => {
    const boot = { ...lab.kit, vmlinuxPath: join(lab.scratch, 'none') };
    const error = await failure({ ...lab.barePlan('kernel'), boot });
    assert.match(error.message, /kernel/);
    assert.match(error.detail ?? '', /none/);
  });

  test('says that the host has no such memory', async () => {
    assert.equal((await failure({ ...lab.barePlan('memory'), memoryMiB: 16_000_000 })).code, 'too_few_resources');
  });

  test('refuses a disk that another VM writes to', async () => {
    const plan = await lab.vmPlan('holder');
    const holder = await lab.launch(plan);
    const error = await failure({ ...lab.barePlan('second'), drives: plan.drives });
    assert.match(error.message, /Another process holds a disk/);
    await holder.kill();
  });

  test('refuses a tap that is not there instead of making one', async () => {
    const nic = { tap: 'vmm-none', mac: '02:00:00:00:00:03', mtu: 1500 };
    assert.equal((await failure({ ...lab.barePlan('tap'), nic })).code, 'network_failed');
  });

  test('refuses more devices than the machine has places', async () => {
    const shares = Array.from({ length: 30 }, (_, index) => ({ tag: `t${index}`, source: '/srv', readOnly: true }));
    assert.equal((await failure({ ...lab.barePlan('wide'), shares })).code, 'not_supported');
  });

  test('leaves nothing when it is cancelled as soon as the process exists', async () => {
    const controller = new AbortController();
    const plan = lab.barePlan('cancelled');
    let record: VmmRecord | undefined;
    const launch = lab.qemu.launch(
      plan,
      async (started) => {
        record = started;
        controller.abort();
      },
      controller.signal,
    );
    await assert.rejects(launch, { code: 'aborted' });
    assert.ok(record);
    assert.equal(await lab.deps.processes.isAlive(record.process), false);
    assert.equal(existsSync(plan.runtimeDir), false);
  });

  test('leaves nothing when its record cannot be written', async () => {
    const plan = lab.barePlan('unwritten');
    let pid = 0;
    const launch = lab.qemu.launch(
      plan,
      async (record) => {
        pid = record.process.pid;
        throw new Error('the disk is full');
      },
      AbortSignal.timeout(60_000),
    );
    await assert.rejects(launch, /the disk is full/);
    assert.equal(existsSync(`/proc/${pid}`), false);
  });

  test('a sweep ends what no record names, as after a daemon that was killed before it could write one', async () => {
    const plan = await lab.vmPlan('stray', [{ tag: 'safe', source: lab.scratch, mode: 'ro', kind: 'live' }]);
    const handle = await lab.launch(plan);
    handle.detach();
    await lab.qemu.sweep(plan.runtimeDir);
    await lab.qemu.sweep(plan.runtimeDir);
    for (const identity of [handle.record.process, ...handle.record.helpers]) {
      assert.equal(await lab.deps.processes.isAlive(identity), false);
    }
    assert.equal(existsSync(plan.runtimeDir), false);
  });
});

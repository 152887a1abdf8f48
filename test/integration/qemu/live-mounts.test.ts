import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launchVm } from '../../../src/adapters/hypervisor/qemu/launch.ts';
import type { VmmRecord } from '../../../src/ports/hypervisor.ts';
import { consoleSays, endOf, guestRuns, type Lab, openLab, type } from './support/lab.ts';

describe('a live mount', () => {
  let lab: Lab;
  let source: string;
  before(async () => {
    lab = await openLab();
    source = join(lab.scratch, 'a, b');
    await mkdir(source);
    await writeFile(join(source, 'from-host'), 'hello from the host\n');
  });
  after(() => lab.close());

  test('carries files both ways, read-only holds whatever the guest does, and the servers end with the VM', async () => {
    const plan = await lab.vmPlan('live', [
      { tag: 'code', source, mode: 'rw', kind: 'live' },
      { tag: 'safe', source, mode: 'ro', kind: 'live' },
    ]);
    const handle = await lab.launch(plan);
    assert.equal(handle.record.helpers.length, 2);
    await guestRuns(plan);
    await type(handle, 'cat /mnt/code/from-host /mnt/safe/from-host; echo from-the-guest >/mnt/code/from-guest');
    await type(handle, '/run/vmm/kit/bin/mount -o remount,rw /mnt/safe; echo remounted-$?');
    await type(handle, 'touch /mnt/safe/forbidden || echo refused-$((1+1)); sync; echo done-$((1+1))');
    await consoleSays(plan, 'done-2');
    await consoleSays(plan, 'remounted-0', 0);
    await consoleSays(plan, 'refused-2', 0);
    await consoleSays(plan, 'hello from the host', 0);
    assert.equal(await readFile(join(source, 'from-guest'), 'utf8'), 'from-the-guest\n');
    assert.equal(existsSync(join(source, 'forbidden')), false);

    await handle.kill();
    for (const helper of handle.record.helpers) assert.equal(await lab.deps.processes.isAlive(helper), false);
  });

  test('and a whole guest work on the machine that stands in where the clock cannot be learnt', async () => {
    const plan = await lab.vmPlan('q35', [{ tag: 'code', source, mode: 'ro', kind: 'live' }]);
    const choice = { machine: 'q35', acceleration: 'tcg' } as const;
    const remember = async (record: VmmRecord) => void lab.records.push(record);
    const handle = await launchVm(lab.deps, plan, choice, remember, AbortSignal.timeout(60_000));
    await guestRuns(plan);
    await type(
      handle,
      'cat /mnt/code/from-host; for disk in a b c; do cat /sys/block/vd$disk/ro; done; echo done-$((1+1))',
    );
    await consoleSays(plan, 'done-2');
    assert.match(
      (await readFile(plan.consoleLogPath, 'utf8')).replaceAll('\r', ''),
      /^hello from the host\n0\n1\n1\ndone-2$/m,
    );
    await handle.requestPowerDown(AbortSignal.timeout(30_000));
    assert.deepEqual(await endOf(handle), { cause: 'stopped' });
  });

  test('takes its servers along when QEMU is killed from outside', async () => {
    const handle = await lab.launch({ ...lab.barePlan('lost'), shares: [{ tag: 'safe', source, readOnly: true }] });
    process.kill(handle.record.process.pid, 'SIGKILL');
    await endOf(handle);
    for (const helper of handle.record.helpers) assert.equal(await lab.deps.processes.isAlive(helper), false);
  });

  test('each process is journalled before the next, and a source that is gone ends them all', async () => {
    const records: VmmRecord[] = [];
    const shares = [
      { tag: 'safe', source, readOnly: true },
      { tag: 'gone', source: join(lab.scratch, 'gone'), readOnly: false },
    ];
    const launch = lab.qemu.launch(
      { ...lab.barePlan('gone'), shares },
      async (record) => void records.push(record),
      AbortSignal.timeout(60_000),
    );
    await assert.rejects(launch, { code: 'engine_failed', message: /live mount gone .* did not start/ });
    assert.deepEqual(
      records.map((record) => record.helpers.length),
      [0, 1],
    );
    for (const { process, helpers } of records) {
      for (const identity of [process, ...helpers]) assert.equal(await lab.deps.processes.isAlive(identity), false);
    }
  });
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { canaryMark, initBeginMark } from '../../../src/domain/guest-protocol.ts';
import type { Drive, VmmRecord } from '../../../src/ports/hypervisor.ts';
import { consoleSays, endOf, guestRuns, type Lab, openLab, type } from './support/lab.ts';

describe('launching and adopting', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({ ownCanaries: true });
  });
  after(() => lab.close());

  test('the probe learns how guests run here, proves it with canaries, and keeps the verdict', async () => {
    const signal = AbortSignal.timeout(180_000);
    const report = await lab.qemu.probe({ boot: lab.kit, canary: true, signal });
    assert.equal(report.available, true);
    assert.match(report.version ?? '', /^\d+\.\d+\.\d+/);
    assert.match(report.reason, /canary guest booted under KVM|kHz|q35/);
    const begin = performance.now();
    assert.deepEqual(await lab.qemu.probe({ boot: lab.kit, canary: true, signal }), report);
    assert.ok(performance.now() - begin < 1_000);
  });

  test('ten launches in a row reach their init', async () => {
    for (let round = 1; round <= 10; round++) {
      const plan = lab.barePlan(`row-${round}`);
      const handle = await lab.launch(plan);
      assert.deepEqual(await endOf(handle), { cause: 'guest-poweroff' }, `launch ${round}`);
      await consoleSays(plan, initBeginMark, 0);
      await consoleSays(plan, canaryMark, 0);
    }
  });

  test('drives have the letters of their order, and read-only ones cannot be written', async () => {
    const plan = await lab.vmPlan('letters');
    const extra: Drive[] = [];
    for (let index = 0; index < 12; index++) {
      const path = join(lab.scratch, `drive-${index}`);
      await writeFile(path, Buffer.alloc((index + 1) * 64 * 1024));
      extra.push({ id: `extra${index}`, path, readOnly: index % 2 === 1 });
    }
    const [disk, ...ours] = plan.drives;
    assert.ok(disk);
    const wide = { ...plan, drives: [disk, ...extra, ...ours] };
    const handle = await lab.launch(wide);
    await guestRuns(wide);
    await type(
      handle,
      'echo; for d in b c d e f g h i j k l m; do echo "vd$d $(cat /sys/block/vd$d/size) $(cat /sys/block/vd$d/ro)"; done',
    );
    await consoleSays(wide, 'vdm 1536 1');
    const said = await readFile(wide.consoleLogPath, 'utf8');
    const letters = [...said.matchAll(/^vd(.) (\d+) (\d)\r?$/gm)].map(
      ([, letter, size, ro]) => `${letter} ${size} ${ro}`,
    );
    const expected = extra.map((_, index) => `${'bcdefghijklm'[index]} ${(index + 1) * 128} ${index % 2}`);
    assert.deepEqual(letters, expected);
    await handle.kill();
  });

  test('a VM lives on without its daemon and is taken over, from a record that went through JSON', async () => {
    const plan = await lab.vmPlan('adopted');
    const first = await lab.launch(plan);
    first.detach();
    const record = JSON.parse(JSON.stringify(first.record)) as VmmRecord;
    const second = await lab.qemu.adopt(record);
    assert.ok(second);
    await guestRuns(plan);
    await second.requestPowerDown(AbortSignal.timeout(10_000));
    assert.deepEqual(await endOf(second), { cause: 'stopped' });
    assert.equal(await lab.qemu.adopt(record), undefined);
  });

  test('an end is told after an adoption as before it', async () => {
    const first = await lab.launch({ ...lab.barePlan('orphan'), kernelArgs: ['vmm.role=vm', 'vmm.root=disk'] });
    first.detach();
    const second = await lab.qemu.adopt(first.record);
    assert.equal((second && (await endOf(second)))?.cause, 'guest-panic');
  });

  test('an end that nobody watched is read from the console', async () => {
    const handle = await lab.launch(lab.barePlan('unwatched'));
    handle.detach();
    for (let wait = 0; wait < 300 && (await lab.deps.processes.isAlive(handle.record.process)); wait++)
      await sleep(100);
    assert.equal((await lab.qemu.inquest(handle.record)).cause, 'guest-poweroff');
  });

  test('runs in a directory whose path no socket address could hold', async () => {
    const runtimeDir = join(lab.scratch, 'x'.repeat(70), 'y'.repeat(70));
    const plan = { ...(await lab.vmPlan('deep')), runtimeDir };
    const handle = await lab.launch(plan);
    await guestRuns(plan);
    await type(handle, 'echo typed-$((40+2))');
    await consoleSays(plan, 'typed-42');
    await handle.kill();
    await lab.qemu.clear(handle.record);
    assert.equal(existsSync(runtimeDir), false);
  });

  test('QEMU runs without the rights of root, as another user for each VM', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    const users = new Set<string>();
    for (const name of ['one', 'two']) {
      const handle = await lab.launch(lab.barePlan(name));
      const status = await readFile(`/proc/${handle.record.process.pid}/status`, 'utf8');
      assert.match(status, /^CapEff:\t0+$/m);
      assert.match(status, /^Seccomp:\t2$/m);
      users.add(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? '0');
      await handle.kill();
    }
    assert.equal(users.size, 2);
    assert.equal(users.has('0'), false);
  });
});

import assert from 'node:assert/strict';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaunchPlan, VmHandle } from '../../../src/ports/hypervisor.ts';
import { exec } from '../../support/exec.ts';
import { consoleSays, endOf, guestRuns, type Lab, openLab, type } from './support/lab.ts';

const mib = 1024 * 1024;

describe('a real guest whose disk lies on a file system that fills up', () => {
  let lab: Lab;
  let small: string;
  let ballast: string;
  before(async () => {
    lab = await openLab();
    small = join(lab.scratch, 'small');
    ballast = join(small, 'ballast');
    await mkdir(small);
    await exec('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'vmm-test', small]);
  });
  afterEach(async () => {
    for (const record of lab.records) await lab.qemu.clear(record);
    for (const name of await readdir(small)) await rm(join(small, name));
  });
  after(async () => {
    await exec('umount', [small]);
    await lab.close();
  });

  /** A guest that wants to write 16 MiB more than it has: the file system of its disk has 4 MiB left. */
  async function fullGuest(name: string): Promise<{ plan: LaunchPlan; handle: VmHandle }> {
    const whole = await lab.vmPlan(name);
    const path = join(small, `${name}.img`);
    // What the image does not use must be room that is not taken yet.
    await exec('cp', ['--sparse=always', whole.drives[0]?.path ?? '', path]);
    const plan = { ...whole, drives: whole.drives.map((drive) => (drive.id === 'disk' ? { ...drive, path } : drive)) };
    const handle = await lab.launch(plan);
    await guestRuns(plan);
    const { bavail, bsize } = await statfs(small);
    await writeFile(ballast, Buffer.alloc(bavail * bsize - 4 * mib));
    await type(handle, 'head -c 16000000 /dev/zero > /root/f; sync; echo written-$((40+2))');
    return { plan, handle };
  }

  /** Follows what is told of a handle, and waits for what is awaited. */
  function follow(handle: VmHandle) {
    const told: (string | undefined)[] = [];
    handle.onTrouble((trouble) => told.push(trouble));
    const until = async (held: boolean) => {
      for (let attempt = 0; attempt < 120; attempt++) {
        if ((told.at(-1) !== undefined) === held) return;
        await sleep(250);
      }
      assert.fail(`the guest was not ${held ? 'held' : 'let go on'} within 30 s`);
    };
    return { told, until };
  }

  test('is told of, also to the next daemon, and goes on by itself once there is room', async () => {
    const { plan, handle } = await fullGuest('resumes');
    const first = follow(handle);
    await first.until(true);
    assert.match(first.told.at(-1) ?? '', /the file system of its disk is full/);
    handle.detach();
    const adopted = await lab.qemu.adopt(handle.record);
    assert.ok(adopted);
    const next = follow(adopted);
    assert.match(next.told[0] ?? '', /the file system of its disk is full/);
    // Two vain tries later it is held as before.
    await sleep(9_000);
    assert.ok(next.told.length > 1 && next.told.every((trouble) => trouble !== undefined));
    await rm(ballast);
    await next.until(false);
    await consoleSays(plan, 'written-42');
    await adopted.kill();
    assert.deepEqual(await endOf(adopted), { cause: 'stopped' });
  });

  test('can be asked to power off and be ended while it is held', async () => {
    const { handle } = await fullGuest('ended');
    await follow(handle).until(true);
    const asking = new AbortController();
    await handle.requestPowerDown(asking.signal);
    asking.abort();
    await handle.kill();
    assert.deepEqual(await endOf(handle, 10_000), { cause: 'stopped' });
  });
});

import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaunchPlan, VmHandle } from '../../../src/ports/hypervisor.ts';
import { consoleSays, endOf, guestRuns, type Lab, openLab, type } from './support/lab.ts';

const signal = AbortSignal.timeout(120_000);

describe('a real guest and the cause of its end', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  async function runningGuest(name: string): Promise<{ plan: LaunchPlan; handle: VmHandle }> {
    const plan = await lab.vmPlan(name);
    const handle = await lab.launch(plan);
    await guestRuns(plan);
    return { plan, handle };
  }

  async function eventually(check: () => Promise<boolean>, what: string): Promise<void> {
    for (let attempt = 0; attempt < 60; attempt++) {
      if (await check()) return;
      await sleep(500);
    }
    assert.fail(`${what} within 30 s`);
  }

  test('its agent answers, powers it off when asked, and the guest did it', async () => {
    const { handle } = await runningGuest('agent');
    await eventually(() => lab.channel.agentPing(handle, signal), 'the agent answers');
    assert.equal(await lab.channel.agentShutdown(handle, signal), true);
    assert.deepEqual(await endOf(handle), { cause: 'guest-poweroff' });
  });

  test('the power button ends it, and vmm did it', async () => {
    const { plan, handle } = await runningGuest('button');
    await type(handle, 'echo typed-$((40+2))');
    await consoleSays(plan, 'typed-42');
    await handle.requestPowerDown(signal);
    assert.deepEqual(await endOf(handle), { cause: 'stopped' });
  });

  test('its own reboot ends the process', async () => {
    const { handle } = await runningGuest('reboot');
    await type(handle, 'sync; reboot -f');
    assert.deepEqual(await endOf(handle), { cause: 'guest-reboot' });
  });

  test('a panic is told with its message, and the console log keeps both runs', async () => {
    const plan = { ...lab.barePlan('panic'), kernelArgs: ['vmm.role=vm', 'vmm.root=disk'] };
    await appendFile(plan.consoleLogPath, 'what an earlier run said\n');
    const handle = await lab.launch(plan);
    const exit = await endOf(handle);
    assert.equal(exit.cause, 'guest-panic');
    assert.match(exit.detail ?? '', /^Kernel panic - not syncing: Attempted to kill init!/);
    const log = await readFile(plan.consoleLogPath, 'utf8');
    assert.match(log, /what an earlier run said\n.*vmm: cannot boot: no drive has the label vmm-modules/s);
  });

  test('kill -9 from outside is told from a crash and from a stop', async () => {
    const plan = lab.barePlan('killed');
    const handle = await lab.launch(plan);
    process.kill(handle.record.process.pid, 'SIGKILL');
    assert.equal((await endOf(handle)).cause, 'killed');
  });

  test('kill() is a stop, may be called again, and leaves no file once cleared', async () => {
    const handle = await lab.launch(lab.barePlan('stopped'));
    await handle.kill();
    await handle.kill();
    assert.deepEqual(await endOf(handle), { cause: 'stopped' });
    await lab.qemu.clear(handle.record);
    await lab.qemu.clear(handle.record);
    await assert.rejects(readFile(`${handle.record.runtimeDir}/vmm.log`), { code: 'ENOENT' });
  });
});

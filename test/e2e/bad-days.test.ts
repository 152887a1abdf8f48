/** What may happen to a host in the middle of something. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { checkout, vmmEnv, vmmProgram } from '../support/seed-data-dir.ts';
import { TestHost } from '../support/test-host.ts';

describe('bad days', () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.open({ images: ['tiny'] });
    await host.vmm(['create', 'web', '--image', 'tiny', '--memory', '128']);
  });
  after(() => host?.[Symbol.asyncDispose]());

  /** Process ids of this host by command line. */
  const pids = async (pattern: RegExp) => (await host.processes()).filter(({ command }) => pattern.test(command));
  const guests = () => pids(/qemu-system.*guest=web/);
  /** The daemon is the one other process of the product. */
  const daemons = async () => {
    const { stdout } = await host.vmm(['daemon', 'status', '--json'], { okCodes: [0, 3] });
    return Number(/"pid": ?(\d+)/.exec(stdout)?.[1] ?? 0);
  };
  const phase = async () => /web +(\w+)/.exec((await host.vmm(['list'])).stdout)?.[1];
  /** Starts `vmm start web` and waits until its VMM process runs. */
  const beginStart = async () => {
    const child = spawn('ip', ['netns', 'exec', host.namespace, vmmProgram, 'start', 'web'], {
      env: vmmEnv(host.dataDir, host.home),
      cwd: checkout,
      stdio: 'ignore',
      detached: true,
    });
    await host.until(async () => (await guests()).length > 0, 30_000);
    return child;
  };

  it('Ctrl-C in the middle of start undoes it', async () => {
    const child = await beginStart();
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    const [code] = await ended;
    assert.equal(code, 130);
    await host.until(async () => (await guests()).length === 0, 20_000);
    assert.equal(await phase(), 'stopped');
  });

  it('kill -9 of the command line in the middle of start loses nothing', async () => {
    const child = await beginStart();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    // Either the start went on or it was undone; it may not hang in between.
    await host.until(async () => ['running', 'stopped', 'failed'].includes((await phase()) ?? ''), 60_000);
    await host.vmm([(await phase()) === 'running' ? 'wait' : 'start', 'web']);
    await host.vmm(['exec', 'web', '--', 'true']);
  });

  it('the VMs outlive the daemon, and the next one adopts them', async () => {
    const before = await guests();
    process.kill(await daemons(), 'SIGKILL');
    assert.deepEqual(await guests(), before);
    await host.vmm(['exec', 'web', '--', 'true']);
    assert.equal(await phase(), 'running');
    assert.deepEqual(await guests(), before);
  });

  it('a VMM that is killed is noticed, told, and started again', async () => {
    const [vmm] = await guests();
    assert.ok(vmm);
    process.kill(vmm.pid, 'SIGKILL');
    await host.until(async () => (await phase()) !== 'running', 10_000);
    assert.match(JSON.stringify(await host.json(['inspect', 'web'])), /"exitCause":"(killed|crashed)"/);
    await host.vmm(['start', 'web']);
    assert.equal(await phase(), 'running');
  });

  it('kill -9 of the daemon in the middle of start leaves a VM that can be started', async () => {
    await host.vmm(['stop', 'web', '--force']);
    const daemon = await daemons();
    const child = await beginStart();
    const ended = once(child, 'exit');
    process.kill(daemon, 'SIGKILL');
    await ended;
    // The next command's daemon finishes or undoes what the journal says.
    await host.until(async () => ['running', 'stopped', 'failed'].includes((await phase()) ?? ''), 60_000);
    await host.vmm(['daemon', 'start']);
    await host.until(async () => ['running', 'stopped', 'failed'].includes((await phase()) ?? ''), 60_000);
    if ((await phase()) !== 'running') await host.vmm(['start', 'web']);
    assert.equal((await guests()).length, 1);
  });

  it('a guest that does not answer in time is told with the end of its console, and goes on booting', async () => {
    await host.vmm(['stop', 'web', '--force']);
    const { stdout } = await host.vmmFails(['start', 'web', '--timeout', '1'], 'guest_timeout');
    assert.match(stdout, /"detail": ".*(Linux|vmm)/);
    await host.vmm(['wait', 'web']);
    await host.vmm(['stop', 'web', '--force']);
  });

  it('two starts of one VM make one guest', async () => {
    const both = await Promise.all([
      host.vmm(['start', 'web'], { okCodes: [0, 4] }),
      host.vmm(['start', 'web'], { okCodes: [0, 4] }),
    ]);
    assert.ok(both.some(({ exitCode }) => exitCode === 0));
    assert.equal((await guests()).length, 1);
  });

  it('an empty host afterwards', async () => {
    await host.vmm(['delete', '--force', 'web']);
    await host.assertEmpty();
  });
});

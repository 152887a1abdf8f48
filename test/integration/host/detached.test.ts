import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createCommandRunner } from '../../../src/adapters/host/create-command-runner.ts';
import { createProcessTable } from '../../../src/adapters/host/create-process-table.ts';
import { systemClock } from '../../../src/adapters/host/system-clock.ts';
import type { ProcessIdentity } from '../../../src/ports/command-runner.ts';

const runner = createCommandRunner();
const processes = createProcessTable({ clock: systemClock });
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmm-detached-'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('startDetached', () => {
  it('starts a program whose output goes to a private file', async () => {
    const outputPath = join(folder, 'out');
    const identity = await runner.startDetached({ program: 'sh', args: ['-c', 'echo hi; echo ho >&2'], outputPath });
    for (let tries = 0; tries < 100 && (await processes.isAlive(identity)); tries++) await delay(20);
    assert.equal(await readFile(outputPath, 'utf8'), 'hi\nho\n');
    assert.equal((await stat(outputPath)).mode & 0o777, 0o600);
  });

  it('knows a program that ended at once, and that it is not alive', async () => {
    const outputPath = join(folder, 'short');
    const identities = await Promise.all(
      Array.from({ length: 20 }, () => runner.startDetached({ program: 'true', args: [], outputPath })),
    );
    await delay(500);
    for (const identity of identities) {
      assert.ok(identity.startTicks > 0);
      assert.equal(await processes.isAlive(identity), false);
    }
  });

  it('names the package of a missing program', async () => {
    await assert.rejects(
      createCommandRunner({ path: folder }).startDetached({
        program: 'qemu-system-x86_64',
        args: [],
        outputPath: join(folder, 'missing'),
      }),
      { code: 'host_program_missing', hint: 'sudo apt-get install qemu-system-x86' },
    );
  });

  it('starts programs that outlive a killed parent', async () => {
    const host = (name: string) => JSON.stringify(new URL(`../../../src/adapters/host/${name}`, import.meta.url).href);
    const script = `
      const { createCommandRunner } = await import(${host('create-command-runner.ts')});
      const identity = await createCommandRunner().startDetached({
        program: 'sleep', args: ['600'], outputPath: ${JSON.stringify(join(folder, 'survivor'))} });
      console.log(JSON.stringify(identity));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const [line]: Buffer[] = await once(parent.stdout, 'data');
    const identity: ProcessIdentity = JSON.parse(String(line));
    process.kill(-Number(parent.pid), 'SIGKILL');
    await once(parent, 'exit');
    assert.equal(await processes.isAlive(identity), true);
    await processes.terminate(identity, 2_000);
    assert.equal(await processes.isAlive(identity), false);
  });
});

describe('the process table', () => {
  it('does not take a zombie, another start time or another boot for a living process', async () => {
    // The shell becomes a program that never waits for the child it inherited, which therefore stays a zombie.
    const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$; sleep 0.3" & exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line]: Buffer[] = await once(parent.stdout, 'data');
    const child = await processes.identify(Number(String(line)));
    assert.ok(child);
    assert.equal(await processes.isAlive(child), true);
    assert.equal(await processes.isAlive({ ...child, startTicks: child.startTicks + 1 }), false);
    assert.equal(await processes.isAlive({ ...child, bootId: 'another' }), false);
    await delay(900);
    assert.match(await readFile(`/proc/${child.pid}/stat`, 'utf8'), /\) Z /);
    assert.equal(await processes.isAlive(child), false);
    assert.equal(await processes.identify(child.pid), undefined);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it('kills a process that ignores SIGTERM once the grace is over', async () => {
    const identity = await runner.startDetached({
      program: 'sh',
      args: ['-c', 'trap "" TERM; while :; do sleep 0.1; done'],
      outputPath: join(folder, 'stubborn'),
    });
    await delay(200);
    const started = performance.now();
    await processes.terminate(identity, 300);
    assert.ok(performance.now() - started >= 300);
    assert.equal(await processes.isAlive(identity), false);
    await processes.terminate(identity, 300);
  });

  it('never signals a process that has the pid but not the start time', async () => {
    const identity = await runner.startDetached({ program: 'sleep', args: ['60'], outputPath: join(folder, 'other') });
    await processes.kill({ ...identity, startTicks: identity.startTicks - 1 }, 'SIGKILL');
    await delay(100);
    assert.equal(await processes.isAlive(identity), true);
    await processes.terminate(identity, 1_000);
  });
});

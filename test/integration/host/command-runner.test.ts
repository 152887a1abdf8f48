import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createCommandRunner } from '../../../src/adapters/host/create-command-runner.ts';
import { createProcessTable } from '../../../src/adapters/host/create-process-table.ts';
import { systemClock } from '../../../src/adapters/host/system-clock.ts';

const runner = createCommandRunner();
const processes = createProcessTable({ clock: systemClock });
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmm-host-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A shell that starts a child which ignores SIGTERM, writes both pids to `file`, and then hangs. */
const stubbornTree = (file: string) => [
  '-c',
  `trap "" TERM; sh -c 'trap "" TERM; echo $$ >> "$1"; while :; do sleep 1; done' x "$1" & echo $$ >> "$1"; wait; sleep 60`,
  'x',
  file,
];

async function assertAllGone(pidFile: string): Promise<void> {
  const pids = (await readFile(pidFile, 'utf8')).trim().split('\n').map(Number);
  assert.equal(pids.length, 2);
  for (const pid of pids) assert.equal(await processes.identify(pid), undefined, `process ${pid} is left`);
}

describe('run', () => {
  it('answers output and exit code', async () => {
    const result = await runner.run({ program: 'sh', args: ['-c', 'echo out; echo err >&2; exit 3'], okCodes: [0, 3] });
    assert.deepEqual(result, { exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives programs a clean environment', async () => {
    process.env.VMM_TEST_SECRET = 'x';
    const { stdout } = await runner.run({ program: 'env', args: [], env: { ADDED: 'yes' } });
    delete process.env.VMM_TEST_SECRET;
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.deepEqual(names.sort(), ['ADDED', 'HOME', 'LANG', 'PATH']);
    assert.match(stdout, /^PATH=.*\/usr\/sbin/m);
  });

  it('passes arguments through untouched', async () => {
    const { stdout } = await runner.run({ program: 'printf', args: ['%s|', '$HOME', "a'b", '; ls', ''] });
    assert.equal(stdout, "$HOME|a'b|; ls||");
  });

  it('feeds stdin from a string, from bytes and from a stream', async () => {
    for (const stdin of ['abc', new TextEncoder().encode('abc'), Readable.from([Buffer.from('abc')])]) {
      assert.equal((await runner.run({ program: 'cat', args: [], stdin })).stdout, 'abc');
    }
    assert.equal((await runner.run({ program: 'cat', args: [] })).stdout, '');
  });

  it('gives a stdin that the program may open anew, by name', async () => {
    assert.equal((await runner.run({ program: 'cat', args: ['/dev/stdin'], stdin: 'abc' })).stdout, 'abc');
  });

  it('is not disturbed by a program that ends without reading its stdin', async () => {
    const result = await runner.run({ program: 'true', args: [], stdin: 'x'.repeat(10_000_000) });
    assert.equal(result.exitCode, 0);
    const endless = new Readable({ read() {} });
    assert.equal((await runner.run({ program: 'true', args: [], stdin: endless, timeoutMs: 5_000 })).exitCode, 0);
  });

  it('hands on every line of both outputs', async () => {
    const lines: string[] = [];
    await runner.run({
      program: 'sh',
      args: ['-c', 'printf "a\\nb"; printf "c\\n" >&2; printf "10%%\\r20%%" >&2'],
      onLine: (line) => lines.push(line),
    });
    assert.deepEqual(lines.sort(), ['10%', '20%', 'a', 'b', 'c']);
  });

  it('keeps the tail of an endless output and little else', async () => {
    const { stdout } = await runner.run({ program: 'sh', args: ['-c', 'head -c 40000000 /dev/zero; echo end'] });
    assert.equal(stdout.length, 16 * 1024 * 1024);
    assert.ok(stdout.endsWith('end\n'));
  });

  it('names the package of a missing program', async () => {
    const empty = createCommandRunner({ path: folder });
    await assert.rejects(empty.run({ program: 'nft', args: [] }), {
      code: 'host_program_missing',
      hint: 'sudo apt-get install nftables',
    });
    await assert.rejects(empty.stream({ program: 'mmdebstrap', args: [] }).done, {
      code: 'host_program_missing',
      hint: 'sudo apt-get install mmdebstrap',
    });
  });

  it('shows the tail of stderr when a program fails', async () => {
    await assert.rejects(runner.run({ program: 'sh', args: ['-c', 'echo why it broke >&2; exit 9'] }), {
      code: 'command_failed',
      detail: 'why it broke',
      message: /ended with code 9/,
    });
    await assert.rejects(runner.run({ program: 'sh', args: ['-c', 'kill -KILL $$'] }), {
      code: 'command_failed',
      message: /SIGKILL/,
    });
  });

  it('surfaces a file that is no program', async () => {
    const path = join(folder, 'not-a-program');
    await writeFile(path, 'x', { mode: 0o644 });
    await assert.rejects(runner.run({ program: path, args: [] }), { code: 'command_failed' });
  });

  it('tells a missing working directory from a missing program', async () => {
    const cwd = join(folder, 'gone');
    await assert.rejects(runner.run({ program: 'true', args: [], cwd }), { code: 'command_failed' });
  });

  it('ends the whole tree at the deadline, even one that ignores SIGTERM', async () => {
    const file = join(folder, 'timeout-pids');
    await assert.rejects(runner.run({ program: 'sh', args: stubbornTree(file), timeoutMs: 500 }), {
      code: 'command_timeout',
    });
    await assertAllGone(file);
  });

  it('ends the whole tree on abort', async () => {
    const file = join(folder, 'abort-pids');
    const abort = new AbortController();
    const running = runner.run({ program: 'sh', args: stubbornTree(file), signal: abort.signal });
    setTimeout(() => abort.abort(), 300);
    await assert.rejects(running, { code: 'aborted' });
    await assertAllGone(file);
  });

  it('ends children when the leader obeys SIGTERM and they do not', async () => {
    const file = join(folder, 'obedient-pids');
    const script = `sh -c 'trap "" TERM; echo $$ >> "$1"; while :; do sleep 1; done' x "$1" & echo $$ >> "$1"; wait`;
    await assert.rejects(runner.run({ program: 'sh', args: ['-c', script, 'x', file], timeoutMs: 400 }), {
      code: 'command_timeout',
    });
    await delay(50);
    await assertAllGone(file);
  });

  it('does not start when the signal has fired already', async () => {
    const path = join(folder, 'never');
    await assert.rejects(runner.run({ program: 'touch', args: [path], signal: AbortSignal.abort() }), {
      code: 'aborted',
    });
    await assert.rejects(stat(path));
  });

  it('does not wait for a background helper that holds the output', async () => {
    const started = performance.now();
    const { stdout } = await runner.run({ program: 'sh', args: ['-c', 'sleep 8 & echo started'] });
    assert.equal(stdout, 'started\n');
    assert.ok(performance.now() - started < 5_000);
  });
});

describe('stream', () => {
  it('streams bytes of any amount under back-pressure', async () => {
    const { stdout, done } = runner.stream({ program: 'head', args: ['-c', '30000000', '/dev/zero'] });
    let length = 0;
    for await (const chunk of stdout) {
      length += chunk.length;
      if (length < 1_000_000) await delay(5);
    }
    await done;
    assert.equal(length, 30_000_000);
  });

  it('tells a failure after the output has ended', async () => {
    const child = runner.stream({ program: 'sh', args: ['-c', 'echo part; echo broken >&2; exit 1'] });
    assert.equal(await text(child.stdout), 'part\n');
    await assert.rejects(child.done, { code: 'command_failed', detail: 'broken' });
  });

  it('ends on abort', async () => {
    const abort = new AbortController();
    const child = runner.stream({ program: 'sleep', args: ['60'], signal: abort.signal });
    child.stdout.resume();
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(child.done, { code: 'aborted' });
  });
});

describe('which', () => {
  it('finds programs in the sbin directories and says undefined for others', async () => {
    assert.match((await runner.which('sysctl')) ?? '', /sbin\/sysctl$/);
    assert.equal(await runner.which('no-such-program'), undefined);
    assert.equal(await runner.which('/bin/sh'), '/bin/sh');
  });
});

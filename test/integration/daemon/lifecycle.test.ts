import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../src/client/client.ts';
import { type DaemonLaunch, ensureDaemon } from '../../../src/client/ensure-daemon.ts';
import { readStatusFile } from '../../../src/client/read-status-file.ts';
import { daemonSocket, layout } from '../../../src/domain/layout.ts';

const entry = join(import.meta.dirname, 'fake-daemon.ts');
let dataDir: string;
let clients: Client[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vmm-daemon-'));
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  // Those too that came second and have not yet found out: they would make the directory anew.
  await until('no daemon is left', async () => {
    const left = await ours();
    for (const pid of left) end(pid, 'SIGKILL');
    return left.length === 0;
  });
  await rm(dataDir, { recursive: true });
});

const socket = () => daemonSocket(dataDir);
const statusFile = () => layout(dataDir).statusFile;
const command = (...flags: string[]) => [process.execPath, entry, '--data-dir', dataDir, ...flags];

async function connect(overrides: Partial<DaemonLaunch> = {}): Promise<Client> {
  const client = await ensureDaemon({
    socketPath: socket(),
    version: '1.0.0',
    command: command('--idle-seconds', '30'),
    logPath: layout(dataDir).daemonLog,
    rootOnly: false,
    ...overrides,
  });
  clients.push(client);
  return client;
}

const pidOf = async (client: Client) => (await client.call('daemon.status', {})).pid;

/** Started by hand, so that its exit code can be seen. */
function start(...flags: string[]): ChildProcess {
  const [program = '', ...args] = command(...flags);
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const exitOf = async (child: ChildProcess) =>
  child.exitCode === null ? (await once(child, 'exit'))[0] : child.exitCode;

/** Processes that have our data directory among their arguments. */
async function ours(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const commandOf = (pid: number) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const commands = await Promise.all(pids.map(commandOf));
  return pids.filter((pid, index) => pid !== process.pid && commands[index]?.includes(dataDir) === true);
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `never: ${what}`);
    await sleep(20);
  }
}

const untilServed = () =>
  until('the daemon answers', () => existsSync(socket()) && readStatusFile(statusFile())?.daemonAlive === true);

test('the first client starts the daemon, the next ones find it', async () => {
  const first = await connect();
  const second = await connect();
  assert.equal(await pidOf(first), await pidOf(second));
  assert.deepEqual(await second.call('vm.list', {}), []);
});

test('eight clients at once start one daemon', async () => {
  const found = await Promise.all(Array.from({ length: 8 }, () => connect()));
  const seen = new Set(await Promise.all(found.map(pidOf)));
  assert.equal(seen.size, 1);
});

test('a second daemon of the same data directory is refused while the first one serves', async () => {
  const client = await connect();
  const second = start();
  const told = (await (second.stderr ?? assert.fail()).toArray()).join('');
  assert.equal(await exitOf(second), 4);
  assert.match(told, /daemon_running/);
  assert.deepEqual(await client.call('vm.list', {}), []);
});

test('a daemon killed with SIGKILL leaves nothing that hinders the next one', async () => {
  const client = await connect();
  const killed = await pidOf(client);
  await client.progress('vm.start', { params: { name: 'web1' } });
  end(killed, 'SIGKILL');
  await until('it is gone', () => !isAlive(killed));
  assert.ok(existsSync(socket()), 'the stale socket is there');
  const next = await connect();
  assert.notEqual(await pidOf(next), killed);
});

test('the connection breaks with a clear error when the daemon is killed in the middle of work', async () => {
  const client = await connect();
  const pid = await pidOf(client);
  const started = client.progress('vm.start', { params: { name: 'web1' } }, { onProgress: () => end(pid, 'SIGKILL') });
  await assert.rejects(started, { code: 'daemon_unreachable' });
});

test('work goes on when its client is killed', async () => {
  const client = await connect();
  const cli = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { createClient } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/client/client.ts'))});
     const client = createClient({ socketPath: ${JSON.stringify(socket())}, version: '1.0.0' });
     await client.progress('vm.start', { params: { name: 'web1' } }, { onProgress: () => process.kill(process.pid, 'SIGKILL') });`,
  ]);
  await once(cli, 'exit');
  assert.deepEqual(await client.call('vm.list', {}), []);
  await until('web1 runs', async () => (await client.call('vm.list', {})).some((vm) => vm.name === 'web1'));
});

test('an idle daemon ends by itself, and removes its socket', async () => {
  const client = await connect({ command: command('--idle-seconds', '0.3') });
  const pid = await pidOf(client);
  await sleep(800);
  assert.ok(isAlive(pid), 'it stays while a client is connected');
  client.close();
  await until('it is gone', () => !isAlive(pid));
  assert.ok(!existsSync(socket()));
  assert.equal(readStatusFile(statusFile())?.daemon, null);
});

test('a daemon with a running VM stays, and goes after the VM has ended', async () => {
  const client = await connect({ command: command('--idle-seconds', '0.3') });
  const pid = await pidOf(client);
  await client.progress('vm.start', { params: { name: 'web1' } });
  client.close();
  await sleep(800);
  assert.ok(isAlive(pid));
  const again = await connect();
  assert.equal(await pidOf(again), pid);
  await again.call('vm.delete', { params: { name: 'web1' } });
  again.close();
  await until('it is gone', () => !isAlive(pid));
});

test('a kept daemon stays although idle', async () => {
  const child = start('--keep', '--idle-seconds', '0.1');
  await untilServed();
  await sleep(500);
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.equal(await exitOf(child), 0);
});

test('SIGTERM lets running work end, then cancels what remains and waits for its undo', async () => {
  const client = await connect({ command: command('--grace-seconds', '1') });
  const pid = await pidOf(client);
  const short = client.progress('vm.start', { params: { name: 'web1' } });
  const endless = client.progress('vm.start', { params: { name: 'endless' } });
  const outcomes = Promise.allSettled([short, endless]);
  await until('both run', async () => (await client.call('daemon.status', {})).clients >= 3);
  end(pid, 'SIGTERM');
  const [first, second] = await outcomes;
  assert.equal(first.status, 'fulfilled');
  assert.equal(second.status === 'rejected' && second.reason.code, 'aborted');
  assert.ok(existsSync(join(dataDir, 'undone')), 'the answer came after the undo');
  await until('it is gone', () => !isAlive(pid));
});

test('SIGTERM in the middle of the start ends it in order', async () => {
  await writeFile(join(dataDir, 'fake.json'), JSON.stringify({ composeMs: 1500 }));
  const child = start();
  await until('it has begun', () => existsSync(layout(dataDir).daemonLock));
  await sleep(300);
  child.kill('SIGTERM');
  assert.equal(await exitOf(child), 0);
  assert.ok(!existsSync(socket()));
});

test('`daemon.stop` ends it at once, and the next client gets a new one without waiting for its last breath', async () => {
  const client = await connect();
  const old = await pidOf(client);
  const begunAt = Date.now();
  await client.call('daemon.stop', {});
  const next = await connect();
  assert.notEqual(await pidOf(next), old);
  assert.ok(Date.now() - begunAt < 8000);
});

test('why a daemon cannot start reaches the client with code and hint', async () => {
  await writeFile(join(dataDir, 'fake.json'), JSON.stringify({ fail: 'error' }));
  await assert.rejects(connect(), { code: 'subnet_conflict', hint: 'vmm config set subnet …' });
});

test('a daemon that crashes at its start is told with its reason, and its stack is in the log', async () => {
  await writeFile(join(dataDir, 'fake.json'), JSON.stringify({ fail: 'crash' }));
  await assert.rejects(connect(), { code: 'internal', message: /undefined is not a function/ });
  assert.match(await readFile(layout(dataDir).daemonLog, 'utf8'), /fake-daemon\.ts/);
});

test('a daemon that does not answer in time is told with where its log is', async () => {
  await writeFile(join(dataDir, 'fake.json'), JSON.stringify({ composeMs: 4000 }));
  await assert.rejects(connect({ deadlineMs: 800 }), { code: 'daemon_unreachable', hint: /daemon\.log/ });
  await untilServed();
  await connect();
});

test('a fault in the middle of its life ends the daemon with its stack in the log', async () => {
  const client = await connect();
  const pid = await pidOf(client);
  await client.call('vm.inspect', { params: { name: 'a' } }).catch(() => undefined);
  await until('it is gone', () => !isAlive(pid));
  assert.match(await readFile(layout(dataDir).daemonLog, 'utf8'), /a fault of ours/);
  await connect();
});

test('a newer client replaces an idle daemon of an older version', async () => {
  const client = await connect();
  const old = await pidOf(client);
  client.close();
  await writeFile(join(dataDir, 'fake.json'), JSON.stringify({ version: '1.10.0' }));
  const next = await connect({ version: '1.10.0' });
  const status = await next.call('daemon.status', {});
  assert.notEqual(status.pid, old);
  assert.equal(status.version, '1.10.0');
});

test('an older client, a daemon in use and a kept daemon are no reason to replace it', async () => {
  const holder = await connect();
  await assert.rejects(connect({ version: '0.9.0' }), { code: 'daemon_version' });
  await assert.rejects(connect({ version: '2.0.0' }), { code: 'daemon_version', message: /others use it/ });
  assert.deepEqual(await holder.call('vm.list', {}), []);
});

test('files are the owner’s alone, but for the directory, the socket’s group and the status file', async () => {
  await connect();
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  assert.equal(await modeOf(dataDir), '755');
  assert.match(await modeOf(socket()), /^6[06]0$/);
  assert.equal(await modeOf(statusFile()), '644');
  const paths = layout(dataDir);
  for (const path of [paths.state, paths.vms, paths.sockets, paths.mounts, paths.tmp]) {
    assert.equal(await modeOf(path), '700', path);
  }
  assert.equal(await modeOf(paths.daemonLog), '600');
});

test('a data directory that others can write to is refused', async () => {
  await chmod(dataDir, 0o777);
  await assert.rejects(connect(), { code: 'invalid_config' });
});

test('the published status follows the VMs', async () => {
  const client = await connect();
  await client.progress('vm.start', { params: { name: 'web1' } });
  await until('web1 is in the file', () => readStatusFile(statusFile())?.vms[0]?.status.phase === 'running');
  await client.call('vm.delete', { params: { name: 'web1' } });
  await until('web1 is out of the file', () => readStatusFile(statusFile())?.vms.length === 0);
});

test('without a daemon the published status is held against the processes', async () => {
  const client = await connect();
  const pid = await pidOf(client);
  // The fake VM's process is the daemon itself, so it dies with it.
  await client.progress('vm.start', { params: { name: 'web1' } });
  await until('web1 is in the file', () => readStatusFile(statusFile())?.vms[0]?.status.phase === 'running');
  end(pid, 'SIGKILL');
  await until('it is gone', () => !isAlive(pid));
  const status = readStatusFile(statusFile());
  assert.equal(status?.daemonAlive, false);
  assert.deepEqual(status?.vms[0]?.status, { phase: 'stopped', ready: false, exitCause: 'unknown' });
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeVm } from './fake-composition.ts';
import { createWorkRegistry } from './http/work.ts';
import { createIdleWatch } from './idle.ts';
import { acquireDaemonLock } from './lock.ts';
import { createLogger } from './logger.ts';
import { createStatusPublisher } from './publish-status.ts';
import { assertSocketPath, clearStaleSocket, isServed, listen } from './socket.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vmm-parts-'));
});
afterEach(() => rm(directory, { recursive: true }));

const lockOptions = (timeoutMs: number, served = false) => ({
  timeoutMs,
  isServed: async () => served,
  signal: new AbortController().signal,
});

test('the log is turned over at its limit, and one old file is kept', async () => {
  const path = join(directory, 'daemon.log');
  const logger = createLogger({ path, maxBytes: 2000 });
  for (let index = 0; index < 100; index += 1) logger.info({ index }, 'a line of the log');
  logger.closeFile();
  assert.deepEqual(await readdir(directory), ['daemon.log', 'daemon.log.1']);
  for (const file of [path, `${path}.1`]) assert.ok((await stat(file)).size < 2300);
  const last = (await readFile(`${path}.1`, 'utf8')) + (await readFile(path, 'utf8'));
  assert.match(last, /"index":99/);
});

test('the lock has one holder, and the next gets it when it is released', async () => {
  const path = join(directory, 'daemon.lock');
  const first = await acquireDaemonLock(path, lockOptions(0));
  await assert.rejects(acquireDaemonLock(path, lockOptions(0)), { code: 'daemon_running' });
  const second = acquireDaemonLock(path, lockOptions(5000));
  await sleep(20);
  first.release();
  (await second).release();
});

test('nobody waits for a lock whose holder serves', async () => {
  const path = join(directory, 'daemon.lock');
  using _ = await acquireDaemonLock(path, lockOptions(0));
  const startedAt = Date.now();
  await assert.rejects(acquireDaemonLock(path, lockOptions(5000, true)), { code: 'daemon_running' });
  assert.ok(Date.now() - startedAt < 1000);
});

test('a socket file that nobody listens on is removed, one that is served is not', async () => {
  const path = join(directory, 's');
  await writeFile(path, '');
  assert.equal(await isServed(path), false);
  await clearStaleSocket(path);
  const server = createServer();
  await listen(server, path);
  await assert.rejects(clearStaleSocket(path), { code: 'daemon_running' });
  assert.equal(await isServed(path), true);
  await new Promise((resolve) => server.close(resolve));
});

test('a socket path that the kernel cannot take is refused with what to do', () => {
  assert.throws(() => assertSocketPath(`/${'x'.repeat(107)}`), { code: 'invalid_config' });
  assertSocketPath(`/${'x'.repeat(106)}`);
});

test('idleness counts from the last thing that was to do', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let busy = false;
  let ended = 0;
  const onIdle = () => {
    ended += 1;
  };
  const watch = createIdleWatch({ idleMs: 1000, isIdle: () => !busy, onIdle });
  watch.poke();
  context.mock.timers.tick(900);
  busy = true;
  watch.poke();
  context.mock.timers.tick(5000);
  assert.equal(ended, 0);
  busy = false;
  watch.poke();
  watch.poke();
  context.mock.timers.tick(999);
  assert.equal(ended, 0);
  context.mock.timers.tick(1);
  assert.equal(ended, 1);
});

test('the number of operations under way is bounded, and freed as they end', () => {
  const registry = createWorkRegistry(() => undefined);
  const all = Array.from({ length: 1024 }, () => registry.begin());
  assert.throws(() => registry.begin(), { code: 'daemon_busy' });
  all[0]?.done();
  registry.begin().done();
  assert.equal(registry.count(), 1023);
});

test('the published status has no user data, and its last word is that the daemon has ended', async () => {
  const path = join(directory, 'status.json');
  const vm = fakeVm('web1');
  const logger = createLogger({ path: join(directory, 'log') });
  const vms = [{ ...vm, spec: { ...vm.spec, userData: 'password: secret' } }];
  const publisher = await createStatusPublisher({ path, version: '1', socket: '/s', vms: () => vms, logger });
  const read = async () => JSON.parse(await readFile(path, 'utf8'));
  assert.deepEqual((await read()).daemon, { pid: process.pid, socket: '/s' });
  assert.doesNotMatch(await readFile(path, 'utf8'), /secret/);
  await publisher.close();
  assert.equal((await read()).daemon, null);
  logger.closeFile();
});

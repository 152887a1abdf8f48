import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Transform } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type Client, createClient } from '../../client/client.ts';
import { VmmError } from '../../contract/errors.ts';
import type { Frame } from '../../contract/stream.ts';
import { fakeHandlers, fakeVm } from '../fake-composition.ts';
import { createOwnHandlers } from '../own-handlers.ts';
import { listen } from '../socket.ts';
import type { EngineHandlers } from './handlers.ts';
import { buildServer } from './server.ts';
import { createWorkRegistry, type WorkRegistry } from './work.ts';

let directory: string;
let socketPath: string;
let closers: (() => Promise<unknown> | unknown)[];
let logged: string[];
let work: WorkRegistry;
let connections: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vmm-http-'));
  socketPath = join(directory, 's');
  closers = [];
  logged = [];
  connections = 0;
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
  await rm(directory, { recursive: true });
});

async function serve(given: Partial<EngineHandlers>): Promise<Client> {
  const logger = pino({}, { write: (line: string) => void logged.push(line) });
  work = createWorkRegistry(() => undefined);
  const own = createOwnHandlers({
    settings: {
      data_dir: directory,
      bridge_name: 'vmm-br0',
      subnet: '172.16.0.0/16',
      host_interface: '',
      engine: 'auto',
    },
    work,
    stop: () => undefined,
    status: () => ({
      pid: 1,
      version: '1',
      startedAt: '2026-01-01T00:00:00.000Z',
      dataDir: directory,
      socket: socketPath,
      vms: 0,
      running: 0,
      clients: 1,
      kept: false,
    }),
  });
  const server = buildServer({ handlers: { ...fakeHandlers(given), ...own }, version: '1', logger, work });
  server.server.on('connection', () => {
    connections += 1;
  });
  await server.ready();
  await listen(server.server, socketPath);
  closers.push(() => {
    server.server.closeAllConnections();
    return server.close();
  });
  return clientOf('1');
}

function clientOf(version: string): Client {
  const client = createClient({ socketPath, version });
  closers.push(() => client.close());
  return client;
}

interface Raw {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

async function send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Raw> {
  const outgoing = httpRequest({
    socketPath,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers },
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, type: response.headers['content-type'], text };
}

const refusal = (raw: Raw) => {
  assert.match(raw.type ?? '', /^application\/problem\+json/);
  const problem = JSON.parse(raw.text);
  assert.equal(problem.status, raw.status);
  assert.equal(problem.stack, undefined);
  return problem;
};

test('a plain operation answers what its handler returns', async () => {
  const client = await serve({ 'vm.list': async () => [fakeVm('web1')] });
  assert.deepEqual(await client.call('vm.list', {}), [fakeVm('web1')]);
});

test('a handler receives params, query and input with defaults applied', async () => {
  const seen: unknown[] = [];
  const client = await serve({
    'vm.delete': async (request) => {
      seen.push(request);
      return { notices: [] };
    },
    'vm.start': async ({ input }) => {
      seen.push(input);
      return { vm: fakeVm('web1'), notices: [] };
    },
  });
  await client.call('vm.delete', { params: { name: 'web1' }, query: { force: true } });
  await client.progress('vm.start', { params: { name: 'web1' } });
  assert.deepEqual(seen, [
    { params: { name: 'web1' }, query: { force: true }, input: undefined },
    { wait: true, timeoutSeconds: 180 },
  ]);
});

test('an error of the catalogue keeps code, message, hint and detail on its way to the client', async () => {
  const client = await serve({
    'vm.inspect': async () => {
      throw new VmmError('vm_not_found', 'There is no VM web1.', { hint: 'vmm list', detail: 'evidence' });
    },
  });
  const thrown = await client.call('vm.inspect', { params: { name: 'web1' } }).catch((error: unknown) => error);
  assert.ok(thrown instanceof VmmError);
  assert.deepEqual(
    [thrown.code, thrown.message, thrown.hint, thrown.detail],
    ['vm_not_found', 'There is no VM web1.', 'vmm list', 'evidence'],
  );
});

test('an unknown fault is logged with its stack and answered without it', async () => {
  await serve({
    'vm.list': async () => {
      throw new TypeError('x is not a function');
    },
  });
  const problem = refusal(await send('GET', '/v1/vms'));
  assert.equal(problem.code, 'internal');
  assert.equal(problem.status, 500);
  assert.doesNotMatch(JSON.stringify(problem), /server\.test\.ts/);
  assert.match(logged.join(''), /server\.test\.ts/);
});

test('malformed requests are refused before any handler runs', async () => {
  let called = 0;
  const count = async () => {
    called += 1;
    return { vm: fakeVm('a'), notices: [] };
  };
  await serve({ 'vm.create': count, 'vm.start': count, 'vm.set': count });
  const cases: [string, string, string | undefined, number, string][] = [
    ['POST', '/v1/vms', '{"name":"a"', 400, 'invalid_input'],
    ['POST', '/v1/vms', '[]', 400, 'invalid_input'],
    ['POST', '/v1/vms', undefined, 400, 'invalid_name'],
    ['POST', '/v1/vms', '{"name":"../etc"}', 400, 'invalid_name'],
    ['POST', '/v1/vms', '{"name":"a","cpus":0}', 400, 'invalid_input'],
    ['POST', '/v1/vms', '{"name":"a","cpu":2}', 400, 'invalid_input'],
    ['POST', '/v1/vms', '{"name":"a","mounts":[{"source":"x","tag":"t"}]}', 400, 'invalid_mount'],
    ['POST', '/v1/vms', '{"name":"a","__proto__":{"x":1}}', 400, 'invalid_input'],
    ['POST', '/v1/vms?dry=true', '{"name":"a"}', 400, 'invalid_input'],
    ['POST', '/v1/vms/a%2Fb/start', '{}', 400, 'invalid_name'],
    ['POST', '/v1/vms/..%2f..%2fx/start', '{}', 400, 'invalid_name'],
    ['POST', '/v1/vms/%00/start', '{}', 400, 'invalid_name'],
    ['POST', `/v1/vms/${'a'.repeat(64)}/start`, '{}', 400, 'invalid_name'],
    ['POST', '/v1/vms/%zz/start', '{}', 400, 'invalid_input'],
    ['POST', '/v1/vms/a/start', '{"wait":"maybe"}', 400, 'invalid_input'],
    ['DELETE', '/v1/vms/a?forced=true', undefined, 400, 'invalid_input'],
    ['DELETE', '/v1/vms/a?force=true&force=false', undefined, 400, 'invalid_input'],
    ['GET', '/v1/vms/a/logs?follow=perhaps', undefined, 400, 'invalid_input'],
    ['POST', '/v1/operations/..%2fx/cancel', undefined, 400, 'invalid_input'],
    ['GET', '/v1/nowhere', undefined, 404, 'route_not_found'],
    ['PUT', '/v1/vms', '{}', 404, 'route_not_found'],
    ['GET', '/v1/vms/a/console', undefined, 400, 'invalid_input'],
  ];
  for (const [method, path, body, status, code] of cases) {
    const problem = refusal(await send(method, path, body));
    assert.deepEqual([problem.status, problem.code], [status, code], `${method} ${path} ${body}: ${problem.title}`);
  }
  assert.equal(called, 0);
});

test('a misspelt field is named in the refusal', async () => {
  const client = await serve({});
  const wrong = { name: 'a', memroyMiB: 512 };
  await assert.rejects(client.progress('vm.create', { input: wrong }), /memroyMiB/);
});

test('a name that cannot be is refused with the rule and a name that would do', async () => {
  const client = await serve({});
  await assert.rejects(client.progress('vm.create', { input: { name: 'my_vm' } }), {
    code: 'invalid_name',
    message: /^"my_vm" is no name: /,
    hint: /my-vm/,
  });
});

test('bodies are limited to 1 MiB, and to 2 MiB where user data is part of them', async () => {
  await serve({ 'vm.create': async () => ({ vm: fakeVm('a'), notices: [] }) });
  const large = JSON.stringify({ name: 'a', userData: '\n'.repeat(1_000_000) });
  assert.ok(large.length > 1_900_000);
  assert.equal((await send('POST', '/v1/vms', large)).status, 200);
  const socket = connect(socketPath);
  // The head alone: the refusal does not wait for the rest.
  socket.write(
    'POST /v1/vms/a/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1048577\r\n\r\n{',
  );
  const [answer] = await once(socket, 'data');
  socket.destroy();
  assert.match(String(answer), /^HTTP\/1\.1 400 [\s\S]*too large/);
});

test('another media type than JSON is refused', async () => {
  await serve({});
  const problem = refusal(
    await send('POST', '/v1/vms', 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }),
  );
  assert.equal(problem.code, 'invalid_input');
});

test('what is no HTTP is answered and cut off', async () => {
  await serve({});
  const socket = connect(socketPath);
  socket.write('hello\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 400 [\s\S]*invalid_input/);
});

test('a client that goes in the middle of its request is no fault of ours', async () => {
  const client = await serve({ 'vm.list': async () => [] });
  const socket = connect(socketPath);
  socket.write('POST /v1/vms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
  await sleep(20);
  socket.destroy();
  await sleep(20);
  assert.deepEqual(await client.call('vm.list', {}), []);
  assert.doesNotMatch(logged.join(''), /unexpected fault/);
});

test('progress, notices and the result come in order, the operation first', async () => {
  await serve({
    'image.pull': async (_, { onProgress, onNotice }) => {
      onProgress({ step: 'fetch', message: 'fetching', current: 1, total: 2, unit: 'bytes' });
      onNotice('mind the gap');
      onProgress({ step: 'unpack', message: 'unpacking' });
      throw new VmmError('disk_full', 'The disk is full.');
    },
  });
  const { status, type, text } = await send('POST', '/v1/images/pull', '{}');
  assert.deepEqual([status, type], [200, 'application/x-ndjson']);
  const frames = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Frame);
  assert.deepEqual(
    frames.map((frame) => (frame.type === 'progress' ? frame.step : frame.type)),
    ['operation', 'fetch', 'notice', 'unpack', 'error'],
  );
});

test('a step that reports often is thinned out, and its last word is kept', async () => {
  const client = await serve({
    'image.pull': async (_, { onProgress }) => {
      for (let current = 0; current <= 1000; current += 1) onProgress({ step: 'fetch', message: 'fetching', current });
      throw new VmmError('aborted', 'enough');
    },
  });
  const seen: number[] = [];
  await assert.rejects(
    client.progress('image.pull', { input: {} }, { onProgress: ({ current }) => seen.push(current ?? -1) }),
  );
  assert.ok(seen.length < 10, `${seen.length} frames`);
  assert.equal(seen.at(-1), 1000);
});

test('an abort of the caller cancels the work and waits for the undo', async () => {
  const undone = Promise.withResolvers<void>();
  let hasUndone = false;
  const client = await serve({
    'vm.start': async (_, { signal, onProgress }) => {
      onProgress({ step: 'boot', message: 'booting' });
      await once(signal, 'abort');
      await undone.promise;
      hasUndone = true;
      throw new VmmError('aborted', 'nft was cancelled.');
    },
  });
  const controller = new AbortController();
  const started = client.progress(
    'vm.start',
    { params: { name: 'a' } },
    { signal: controller.signal, onProgress: () => controller.abort() },
  );
  setTimeout(() => undone.resolve(), 50);
  await assert.rejects(started, { code: 'aborted', message: 'Cancelled.' });
  assert.equal(hasUndone, true);
  assert.equal(work.count(), 0);
});

test('work goes on when its client disconnects', async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<boolean>();
  await serve({
    'vm.start': async (_, { signal, onProgress }) => {
      begun.resolve();
      await release.promise;
      onProgress({ step: 'late', message: 'to nobody' });
      ended.resolve(signal.aborted);
      return { vm: fakeVm('a'), notices: [] };
    },
  });
  const outgoing = httpRequest({ socketPath, method: 'POST', path: '/v1/vms/a/start' });
  outgoing.on('error', () => undefined);
  outgoing.end();
  await begun.promise;
  outgoing.destroy();
  await sleep(20);
  assert.equal(work.count(), 1);
  release.resolve();
  assert.equal(await ended.promise, false);
  await sleep(5);
  assert.equal(work.count(), 0);
});

test('a change goes on when its client disconnects, a wait is given up', async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<boolean>();
  const waitAborted = Promise.withResolvers<void>();
  await serve({
    'vm.delete': async (_, { signal }) => {
      begun.resolve();
      await sleep(30);
      ended.resolve(signal.aborted);
      return { notices: [] };
    },
    'vm.wait': async (_, { signal }) => {
      begun.resolve();
      await once(signal, 'abort');
      waitAborted.resolve();
      return fakeVm('a');
    },
  });
  for (const [method, path] of [
    ['DELETE', '/v1/vms/a'],
    ['GET', '/v1/vms/a/wait'],
  ]) {
    const outgoing = httpRequest({ socketPath, method, path });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await begun.promise;
    await sleep(10);
    outgoing.destroy();
  }
  assert.equal(await ended.promise, false);
  await waitAborted.promise;
});

test('a client that does not read neither stops the work nor fills the memory', async () => {
  const ended = Promise.withResolvers<void>();
  await serve({
    'image.pull': async (_, { onProgress, onNotice }) => {
      for (let index = 0; index < 20_000; index += 1) {
        onProgress({ step: `step-${index}`, message: 'x'.repeat(500) });
        onNotice(`notice ${index} ${'y'.repeat(500)}`);
        if (index % 1000 === 0) await sleep(1);
      }
      ended.resolve();
      throw new VmmError('aborted', 'the end');
    },
  });
  const socket = connect(socketPath);
  socket.pause();
  socket.write('POST /v1/images/pull HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await ended.promise;
  await sleep(10);
  assert.equal(work.count(), 0);
  let size = 0;
  let tail = '';
  for await (const chunk of socket) {
    size += chunk.length;
    tail = (tail + chunk).slice(-2000);
  }
  assert.ok(size < 2 * 1024 * 1024, `${size} bytes were kept`);
  assert.match(tail, /"type":"error".*the end/);
});

test('cancelling what does not run is refused', async () => {
  const client = await serve({});
  await assert.rejects(client.call('operation.cancel', { params: { id: 'abc-123' } }), { code: 'operation_not_found' });
});

test('bytes stream through, and an error before the first is an ordinary refusal', async () => {
  const client = await serve({
    'vm.logs': async ({ params }) => {
      if (params.name === 'gone') throw new VmmError('vm_not_found', 'There is no VM gone.');
      return Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]);
    },
  });
  const stream = await client.bytes('vm.logs', { params: { name: 'a' } });
  assert.equal(Buffer.concat(await stream.toArray()).toString(), 'one\ntwo\n');
  await assert.rejects(client.bytes('vm.logs', { params: { name: 'gone' } }), { code: 'vm_not_found' });
});

test('an error in the middle of a byte stream reaches the reader with its code', async () => {
  const client = await serve({
    'mount.pull': async () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('half');
          throw new VmmError('guest_timeout', 'The reader did not answer – ever.');
        })(),
      ),
  });
  const stream = await client.bytes('mount.pull', { params: { name: 'a', tag: 't' } });
  await assert.rejects(stream.toArray(), { code: 'guest_timeout', message: 'The reader did not answer – ever.' });
});

test('a byte stream is destroyed when its reader goes, and paused while it does not read', async () => {
  const destroyed = Promise.withResolvers<void>();
  let produced = 0;
  const client = await serve({
    'vm.logs': async (_, { signal }) => {
      signal.addEventListener('abort', () => destroyed.resolve());
      return new Readable({
        read() {
          produced += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
    },
  });
  const stream = await client.bytes('vm.logs', { params: { name: 'a' }, query: { follow: true } });
  await sleep(100);
  assert.ok(produced < 16 * 1024 * 1024, `${produced} bytes were produced for nobody`);
  stream.destroy();
  await destroyed.promise;
});

test('a duplex carries bytes both ways, and its ends are passed on', async () => {
  const client = await serve({
    'vm.console': async () => {
      return new Transform({ transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()) });
    },
  });
  const stream = await client.duplex('vm.console', { params: { name: 'a' } });
  stream.write('hello ');
  stream.end('world');
  assert.equal(Buffer.concat(await stream.toArray()).toString(), 'HELLO WORLD');
});

test('the far side of a duplex is destroyed when its client goes', async () => {
  const gone = Promise.withResolvers<void>();
  const client = await serve({
    'vm.console': async () => {
      const stream = new PassThrough();
      stream.on('close', () => gone.resolve());
      return stream;
    },
  });
  const stream = await client.duplex('vm.console', { params: { name: 'a' } });
  stream.destroy();
  await gone.promise;
});

test('a refused upgrade tells why', async () => {
  const client = await serve({
    'vm.console': async () => {
      throw new VmmError('illegal_state', 'web1 is stopped.', { hint: 'vmm start web1' });
    },
  });
  await assert.rejects(client.duplex('vm.console', { params: { name: 'web1' } }), { code: 'illegal_state' });
  await assert.rejects(client.duplex('vm.console', { params: { name: '../x' } }), { code: 'invalid_name' });
});

test('an upgrade that is not ours is passed over', async () => {
  await serve({ 'vm.list': async () => [] });
  const answer = await send('GET', '/v1/vms', undefined, { connection: 'Upgrade', upgrade: 'h2c' });
  assert.deepEqual([answer.status, answer.text], [200, '[]']);
});

test('a client of another version is refused work, but may look at the daemon and stop it', async () => {
  await serve({ 'vm.list': async () => [] });
  const other = clientOf('2');
  await assert.rejects(other.call('vm.list', {}), { code: 'daemon_version' });
  await assert.rejects(other.duplex('vm.console', { params: { name: 'a' } }), { code: 'daemon_version' });
  assert.equal((await other.call('daemon.status', {})).version, '1');
  await other.call('daemon.stop', {});
});

test('a stopping daemon takes nothing new, but cancels', async () => {
  const client = await serve({
    'vm.start': async (_, { signal }) => {
      await once(signal, 'abort');
      return signal.throwIfAborted() as never;
    },
  });
  const controller = new AbortController();
  const started = client.progress('vm.start', { params: { name: 'a' } }, { signal: controller.signal });
  while (work.count() === 0) await sleep(5);
  work.refuse();
  await assert.rejects(client.call('vm.list', {}), { code: 'daemon_busy' });
  await assert.rejects(client.call('daemon.status', {}), { code: 'daemon_busy' });
  controller.abort();
  await assert.rejects(started, { code: 'aborted' });
});

test('one connection serves call after call', async () => {
  const client = await serve({
    'vm.list': async () => [],
    'vm.start': async () => ({ vm: fakeVm('a'), notices: [] }),
  });
  for (let round = 0; round < 3; round += 1) {
    await client.call('vm.list', {});
    await client.progress('vm.start', { params: { name: 'a' } });
  }
  assert.equal(connections, 1);
});

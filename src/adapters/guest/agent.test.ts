import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { callAgent } from './agent.ts';

let directory: string;
let path: string;
let server: Server;
let received: string[];
const sockets: Socket[] = [];

/** A guest that answers each line by what `answer` makes of it. */
async function guest(answer: (request: { execute: string; arguments?: { id?: number } }) => string | Buffer) {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let rest = '';
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1').replaceAll('\xff', '');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const request = JSON.parse(line);
        received.push(request.execute);
        socket.write(answer(request));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

const ping = (timeoutMs = 2_000) =>
  callAgent(
    path,
    { command: 'guest-ping', expectsAnswer: true },
    { timeoutMs, signal: new AbortController().signal, syncId: 7 },
  );
const inStep = '\xff{"return": 7}\n';
const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('callAgent', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'qga-'));
    path = join(directory, 'qga.sock');
    received = [];
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is true when the agent is in step and answers', async () => {
    await guest(({ execute }) => latin1(execute === 'guest-ping' ? '{"return": {}}\n' : inStep));
    assert.equal(await ping(), true);
  });

  it('throws away what an earlier client left unread', async () => {
    await guest(({ execute }) =>
      latin1(execute === 'guest-ping' ? '{"return": {}}\n' : `{"return": {}}\n{"return": 3}\n{"ret${inStep}`),
    );
    assert.equal(await ping(), true);
    assert.deepEqual(received, ['guest-sync-delimited', 'guest-ping']);
  });

  it('sends no command to an agent that is out of step', async () => {
    await guest(() => latin1('\xff{"return": 8}\n'));
    assert.equal(await ping(100), false);
    assert.deepEqual(received, ['guest-sync-delimited']);
  });

  it('is false for an error, for nonsense and for silence', async () => {
    await guest(({ execute }) => latin1(execute === 'guest-ping' ? '{"error": {"class": "x"}}\n' : inStep));
    assert.equal(await ping(), false);
    server.close();
    await rm(path, { force: true });
    await guest(({ execute }) => latin1(execute === 'guest-ping' ? 'root:x:0:0\n' : inStep));
    assert.equal(await ping(), false);
    server.close();
    await rm(path, { force: true });
    await guest(() => '');
    assert.equal(await ping(50), false);
  });

  it('stops listening to a guest that sends without end', async () => {
    await guest(() => Buffer.alloc(200_000, 'x'));
    const begin = performance.now();
    assert.equal(await ping(10_000), false);
    assert.ok(performance.now() - begin < 5_000);
  });

  it('is done with a command that has no answer once it is sent', async () => {
    await guest(({ execute }) => latin1(execute === 'guest-shutdown' ? '' : inStep));
    const call = { command: 'guest-shutdown', args: { mode: 'powerdown' }, expectsAnswer: false };
    const options = { timeoutMs: 2_000, signal: new AbortController().signal, syncId: 7 };
    assert.equal(await callAgent(path, call, options), true);
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { connectQmp, type QmpEvent } from './qmp.ts';

const greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n';
let directory: string;
let path: string;
let server: Server | undefined;
const sockets: Socket[] = [];

/** A QEMU that answers each command by what `answer` makes of it. */
async function listen(hello: string, answer: (execute: string, id: number) => string): Promise<void> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(hello);
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { execute, id } = JSON.parse(line);
        socket.write(answer(execute, id));
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qmp-'));
  path = join(directory, 'qmp.sock');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('connectQmp', () => {
  it('answers commands by their id and hands on events between them', async () => {
    const events: QmpEvent[] = [];
    await listen(
      greeting,
      (execute, id) =>
        `{"event": "STOP", "data": {"by": "${execute}"}}\r\n{"return": {"status": "running"}, "id": ${id}}\r\n`,
    );
    const qmp = await connectQmp(path, { timeoutMs: 1_000, onEvent: (event) => events.push(event) });
    assert.deepEqual(await qmp.execute('query-status'), { status: 'running' });
    assert.deepEqual(events.at(-1), { name: 'STOP', data: { by: 'query-status' } });
    qmp.close();
    await qmp.closed;
  });

  it('turns a refusal into an error with QEMU’s words', async () => {
    await listen(greeting, (execute, id) =>
      execute === 'qmp_capabilities'
        ? `{"return": {}, "id": ${id}}\r\n`
        : `{"error": {"class": "GenericError", "desc": "no such thing"}, "id": ${id}}\r\n`,
    );
    const qmp = await connectQmp(path, { timeoutMs: 1_000, onEvent: () => undefined });
    await assert.rejects(qmp.execute('eject'), /QEMU refused eject: no such thing/);
    qmp.close();
  });

  it('gives up on a listener that does not greet', async () => {
    await listen('', () => '');
    await assert.rejects(connectQmp(path, { timeoutMs: 50, onEvent: () => undefined }), /no greeting in time/);
  });

  it('gives up on a peer that speaks something else', async () => {
    await listen('HTTP/1.1 400 Bad Request\r\n', () => '');
    await assert.rejects(connectQmp(path, { timeoutMs: 1_000, onEvent: () => undefined }), /no QMP/);
  });

  it('fails what is pending when the connection ends', async () => {
    await listen(greeting, (execute, id) => (execute === 'qmp_capabilities' ? `{"return": {}, "id": ${id}}\r\n` : ''));
    const qmp = await connectQmp(path, { timeoutMs: 1_000, onEvent: () => undefined });
    const pending = assert.rejects(qmp.execute('quit'), { code: 'engine_failed' });
    for (const socket of sockets) socket.end();
    await pending;
    await qmp.closed;
    await assert.rejects(qmp.execute('quit'), /QEMU is gone/);
  });
});

import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { awaitSsh } from './await-ssh.ts';

const clock = {
  now: () => new Date(),
  sleep: (ms: number, signal?: AbortSignal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};
const never = new AbortController().signal;
const sockets: Socket[] = [];
let server: Server | undefined;

/** Listens on a free port of the loopback and greets connection number n by `greet(n)`. */
async function listen(greet: (connection: number, socket: Socket) => void): Promise<number> {
  let connections = 0;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    greet(++connections, socket);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
}

const wait = (port: number, timeoutMs: number, signal = never) =>
  awaitSsh(clock, { ip: '127.0.0.1', port }, { timeoutMs, signal });

describe('awaitSsh', () => {
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server?.close();
  });

  it('goes on trying until a banner comes, also after lines before it', async () => {
    let tries = 0;
    const port = await listen((connection, socket) => {
      tries = connection;
      if (connection < 3) socket.destroy();
      else socket.write('welcome\r\nSSH-2.0-dropbear\r\n');
    });
    await wait(port, 5_000);
    assert.equal(tries, 3);
  });

  it('does not take another service for sshd', async () => {
    const port = await listen((_, socket) => socket.end('220 ready\r\n'));
    await assert.rejects(wait(port, 200), { code: 'guest_timeout' });
  });

  it('ends in time when the peer accepts and says nothing', async () => {
    const port = await listen(() => undefined);
    const begin = performance.now();
    await assert.rejects(wait(port, 200), { code: 'guest_timeout' });
    assert.ok(performance.now() - begin < 2_000);
  });

  it('ends at once when cancelled', async () => {
    const port = await listen(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(wait(port, 60_000, controller.signal), { code: 'aborted' });
  });
});

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { it } from 'node:test';
import { openSocketDir } from './socket-dir.ts';

it('connects to a socket whose path is longer than a socket address', async () => {
  const base = await mkdtemp(join(tmpdir(), 'sock-'));
  const deep = join(base, 'x'.repeat(80), 'y'.repeat(80));
  await mkdir(deep, { recursive: true });
  const sockets = openSocketDir(deep);
  const server = createServer((socket) => socket.end('hello'));
  try {
    assert.ok(join(deep, 'con.sock').length > 107);
    await new Promise<void>((resolve) => server.listen(sockets.at('con.sock'), resolve));
    const text = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(sockets.at('con.sock'));
      socket.on('data', (chunk) => resolve(chunk.toString()));
      socket.on('error', reject);
    });
    assert.equal(text, 'hello');
  } finally {
    server.close();
    sockets.close();
    await rm(base, { recursive: true, force: true });
  }
});

it('leaves a short path as it is, for other programs to use', () => {
  const sockets = openSocketDir('/run/vmm/x');
  assert.equal(sockets.at('con.sock'), '/run/vmm/x/con.sock');
  assert.equal(relative('/run/vmm', sockets.at('qmp.sock')), 'x/qmp.sock');
  sockets.close();
});

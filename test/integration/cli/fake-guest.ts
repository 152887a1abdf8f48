import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshAccess } from '../../../src/contract/resources/vm.ts';

export interface FakeGuest {
  readonly access: SshAccess;
  stop(): Promise<void>;
}

/** A real sshd on this host that plays the guest's. In a mount namespace, so that /root has its keys and the host's has not. */
export async function startFakeGuest(directory: string): Promise<FakeGuest> {
  mkdirSync(directory, { recursive: true });
  const keyPath = join(directory, 'user');
  const hostKeyPath = join(directory, 'host');
  for (const path of [keyPath, hostKeyPath]) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  }
  execFileSync('dropbearconvert', ['openssh', 'dropbear', hostKeyPath, `${hostKeyPath}.dropbear`], { stdio: 'ignore' });
  const port = await freePort();
  const script = `mount -t tmpfs -o mode=0700 tmpfs /root && mkdir -m 700 /root/.ssh && cp "$1.pub" /root/.ssh/authorized_keys &&
    exec dropbear -F -E -s -m -r "$2.dropbear" -p "127.0.0.1:$3" -P "$2.pid"`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', keyPath, hostKeyPath, String(port)];
  const sshd = spawn('unshare', args, { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: '/root' } });
  await answering(port, sshd);
  const [type, blob] = readFileSync(`${hostKeyPath}.pub`, 'utf8').split(' ');
  return {
    access: {
      host: '127.0.0.1',
      port,
      user: 'root',
      privateKey: readFileSync(keyPath, 'utf8'),
      knownHosts: `vmm-guest ${type} ${blob}\n`,
    },
    async stop() {
      if (sshd.exitCode === null && sshd.kill('SIGTERM')) await once(sshd, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answering(port: number, sshd: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (sshd.exitCode !== null) throw new Error(`the fake guest's sshd ended with ${sshd.exitCode}`);
    const socket = createConnection(port, '127.0.0.1');
    try {
      await once(socket, 'data');
      return;
    } catch {
      await sleep(50);
    } finally {
      socket.destroy();
    }
  }
  throw new Error("the fake guest's sshd does not answer");
}

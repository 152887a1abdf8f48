import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { VmmError } from '../contract/errors.ts';

/** sun_path has 108 bytes with the closing zero, unix(7). */
const longestPath = 107;

export function assertSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= longestPath) return;
  throw new VmmError('invalid_config', `The socket path ${path} is longer than ${longestPath} bytes.`, {
    hint: 'Choose a data directory with a shorter path.',
  });
}

/** Whether anybody listens there. A socket file that nobody listens on is left from a daemon that was killed. */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      // A full backlog means that somebody is there.
      else if (error.code === 'EAGAIN') resolve(true);
      else
        reject(
          new VmmError('storage_failed', `The socket ${path} cannot be used: ${error.message}.`, { cause: error }),
        );
    });
  });
}

/** Removes what a killed daemon left. Only while holding the lock: then nobody can begin to listen between proof and removal. */
export async function clearStaleSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await chmod(dirname(path), 0o755);
  if (await isServed(path)) {
    throw new VmmError('daemon_running', `Another program listens on ${path}.`, {
      hint: 'Two data directories cannot share a socket; end the other daemon.',
    });
  }
  await rm(path, { force: true });
}

/** Members of group vmm may use the socket; without that group only the owner. The umask has kept others out until here. */
export async function openToGroup(path: string): Promise<void> {
  const gid = process.geteuid?.() === 0 ? await groupId('vmm') : undefined;
  if (gid === undefined) {
    await chmod(path, 0o600);
    return;
  }
  await chown(path, 0, gid);
  await chmod(path, 0o660);
}

async function groupId(name: string): Promise<number | undefined> {
  // group(5): name:password:gid:members
  const lines = (await readFile('/etc/group', 'utf8')).split('\n');
  const gid = lines.map((line) => line.split(':')).find((fields) => fields[0] === name)?.[2];
  return gid === undefined ? undefined : Number(gid);
}

export function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Who may use the socket. In a mount namespace of its own, where group vmm exists: the host's /etc/group is not touched. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chmod, copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { daemonSocket } from '../../../src/domain/layout.ts';

const gid = 64_242;
const nobody = 65_534;
let directory: string;
let daemon: ChildProcess;
/** A program that lists the VMs and prints the error's code, if any, bundled to where everybody can read it. */
let program: string;
let node: string;

before(async () => {
  assert.equal(process.geteuid?.(), 0, 'this suite needs root');
  directory = await mkdtemp(join(tmpdir(), 'vmm-group-'));
  await chmod(directory, 0o755);
  const group = join(directory, 'group');
  await writeFile(group, await readFile('/etc/group'));
  await appendFile(group, `vmm:x:${gid}:\n`);

  program = join(directory, 'list.mjs');
  const client = join(import.meta.dirname, '../../../src/client/client.ts');
  await build({
    stdin: {
      contents: `import { createClient } from ${JSON.stringify(client)};
        const client = createClient({ socketPath: process.argv[2], version: '1.0.0' });
        console.log(await client.call('vm.list', {}).then(JSON.stringify, (error) => error.code));
        client.close();`,
      resolveDir: directory,
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: program,
  });
  // The checkout may lie where other users cannot look.
  node = join(directory, 'node');
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);

  const inNamespace = 'mount --bind "$1" /etc/group && shift && exec "$@"';
  const command = [
    process.execPath,
    join(import.meta.dirname, 'fake-daemon.ts'),
    '--data-dir',
    join(directory, 'data'),
  ];
  daemon = spawn('unshare', ['-m', 'sh', '-c', inNamespace, 'sh', group, ...command], { stdio: 'ignore' });
  const deadline = Date.now() + 10_000;
  while (!existsSync(socket())) {
    assert.ok(Date.now() < deadline && daemon.exitCode === null, 'the daemon does not serve');
    await sleep(20);
  }
  await sleep(100);
});

after(async () => {
  const gone = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await gone;
  await rm(directory, { recursive: true });
});

const socket = () => daemonSocket(join(directory, 'data'));

async function listAs(...groups: number[]): Promise<string> {
  const identity = ['--reuid', `${nobody}`, '--regid', `${nobody}`];
  const membership = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')];
  const args = [...identity, ...membership, node, program, socket()];
  const { stdout } = await promisify(execFile)('setpriv', args, { timeout: 20_000 });
  return stdout.trim();
}

test('the socket belongs to root and the group vmm, and to nobody else', async () => {
  const { mode, uid, gid: owner } = await stat(socket());
  assert.deepEqual([(mode & 0o777).toString(8), uid, owner], ['660', 0, gid]);
});

test('a member of the group vmm needs no root', async () => {
  assert.equal(await listAs(gid), '[]');
});

test('anybody else is told what to do', async () => {
  assert.equal(await listAs(), 'not_root');
});

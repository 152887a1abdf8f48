/** The command line as a process, against a daemon with an imagined engine and a real sshd that plays the guest. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { layout } from '../../../src/domain/layout.ts';
import type { Fake } from './fake-daemon.ts';
import { type FakeGuest, startFakeGuest } from './fake-guest.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let base: string;
let dataDir: string;
let guest: FakeGuest;

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'vmm.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: join(base, 'home'), TMPDIR: join(base, 'tmp'), VMM_DATA_DIR: dataDir, ...env },
  });
}

async function ended(child: ChildProcess, input = ''): Promise<Ended> {
  const collected = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => (collected.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (collected.stderr += text));
  child.stdin?.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...collected };
}

const vmm = async (...args: string[]) => await ended(start(args));

/** Runs and must succeed; returns what was printed. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await vmm(...args);
  assert.equal(code, 0, `vmm ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

const pause = () => sleep(20);

function configure(fake: Partial<Fake> = {}): void {
  writeFileSync(join(dataDir, 'fake.json'), JSON.stringify({ access: guest.access, tarPath: '', ...fake }));
}

before(async () => {
  assert.equal(process.geteuid?.(), 0, 'this suite needs root');
  base = mkdtempSync(join(tmpdir(), 'vmm-cli-'));
  dataDir = join(base, 'data');
  for (const name of ['data', 'home', 'tmp', 'guest']) mkdirSync(join(base, name));
  guest = await startFakeGuest(join(base, 'guest'));
  configure();
});

after(async () => {
  await vmm('daemon', 'stop');
  await guest.stop();
  rmSync(base, { recursive: true, force: true });
});

beforeEach(async () => {
  configure();
  await vmm('delete', '--all', '--force');
});

describe('looking', () => {
  it('lists nothing, and starts no daemon for it, where none ever ran', async () => {
    const elsewhere = join(base, 'elsewhere');
    const { code, stdout } = await ended(start(['list'], { VMM_DATA_DIR: elsewhere }));
    assert.equal(code, 0);
    assert.match(stdout, /^NAME +STATE/);
    assert.equal(existsSync(elsewhere), false);
  });

  it('lists from the status file when the daemon is dead, and says so', async () => {
    await ok('create', 'web1');
    const status = JSON.parse(await ok('daemon', 'status', '--json')) as { daemon: { pid: number } };
    // It is written a moment after the change.
    while (!readFileSync(layout(dataDir).statusFile, 'utf8').includes('web1')) await pause();
    process.kill(status.daemon.pid, 'SIGKILL');
    while (existsSync(`/proc/${status.daemon.pid}/fd/0`)) await pause();
    const { code, stdout, stderr } = await vmm('list');
    assert.equal(code, 0);
    assert.match(stdout, /^web1 +stopped/m);
    assert.match(stderr, /^Note: The daemon is gone; this is as of /);
    assert.equal((await vmm('daemon', 'status')).code, 3);
  });

  it('shows the same in JSON as the daemon has it', async () => {
    await ok('create', 'web1', '--cpus', '2', '--memory', '2G', '-p', '8080:80', '--label', 'a=b');
    const [vm] = JSON.parse(await ok('list', '--json')) as [{ spec: Record<string, unknown> }];
    assert.deepEqual([vm.spec.cpus, vm.spec.memoryMiB, vm.spec.labels], [2, 2048, { a: 'b' }]);
    assert.match(await ok('list'), /web1 +stopped +- +2 +2G +1G +debian +auto +- +8080->80/);
    assert.match(await ok('inspect', 'web1'), /^Ports: +8080->80$/m);
  });

  it('prints the log, whole or line by line', async () => {
    await ok('create', 'web1');
    assert.equal(await ok('logs', 'web1'), 'line one\nline two\n');
    assert.equal(await ok('logs', 'web1', '--json'), '{"line":"line one"}\n{"line":"line two"}\n');
  });
});

describe('several VMs at once', () => {
  it('does all it can and ends with the worst code', async () => {
    await ok('create', 'a');
    await ok('create', 'b');
    const { code, stdout, stderr } = await vmm('start', 'a', 'nope', 'b');
    assert.equal(code, 3);
    assert.deepEqual(stdout.trim().split('\n').toSorted(), [
      'a is running at 172.16.0.2',
      'b is running at 172.16.0.2',
    ]);
    assert.equal(stderr, 'Error: nope: There is no VM nope.\nHint: vmm list\n');
  });

  it('tells each result in JSON, in the order of the names', async () => {
    await ok('create', 'a');
    const { code, stdout } = await vmm('start', 'nope', 'a', '--json');
    const results = JSON.parse(stdout) as { name: string; error?: { code: string }; vm?: object }[];
    assert.equal(code, 3);
    assert.deepEqual(
      results.map(({ name, error }) => [name, error?.code]),
      [
        ['nope', 'vm_not_found'],
        ['a', undefined],
      ],
    );
  });

  it('stops what runs with --all', async () => {
    await ok('create', 'a');
    await ok('create', 'b', '--start');
    assert.equal(await ok('stop', '--all'), 'b is stopped\n');
  });

  it('wants names or --all', async () => assert.equal((await vmm('start')).code, 2));
});

describe('long work', () => {
  it('shows steps on stderr when asked, and notices always', async () => {
    const plain = await vmm('create', 'a', '--progress', 'plain');
    assert.equal(plain.stderr, 'a: Making the disk\nNote: The disk was raised to 2048 MiB.\n');
    assert.equal((await vmm('create', 'b')).stderr, 'Note: The disk was raised to 2048 MiB.\n');
  });

  it('is undone after Ctrl-C, and that is told', async () => {
    await ok('create', 'endless');
    const child = start(['start', 'endless', '--progress', 'plain']);
    const result = ended(child);
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    child.kill('SIGINT');
    const { code, stderr } = await result;
    assert.equal(code, 130);
    assert.match(stderr, /^Error: Cancelled\.$/m);
    assert.match(await ok('inspect', 'endless'), /undone=yes/);
  });
});

describe('commands in a guest', () => {
  const running = async () => {
    await ok('create', 'web1', '--start');
  };

  it('hand on output, arguments, variables, directory and exit code', async () => {
    await running();
    const script = 'echo "$1|$A|$PWD"; echo oops >&2; exit 42';
    const { code, stdout, stderr } = await vmm(
      'exec',
      '-e',
      'A=x y',
      '-w',
      '/tmp',
      'web1',
      '--',
      'sh',
      '-c',
      script,
      'sh',
      "it's $HOME",
    );
    assert.deepEqual([code, stdout, stderr], [42, "it's $HOME|x y|/tmp\n", 'oops\n']);
  });

  it('take options of their own without --', async () => {
    await running();
    assert.equal(await ok('exec', 'web1', 'printf', '%s', '--json'), '--json');
  });

  it('get our stdin with -i and none without', async () => {
    await running();
    const { stdout } = await ended(start(['exec', '-i', 'web1', 'cat']), 'typed');
    assert.equal(stdout, 'typed');
    assert.equal((await ended(start(['exec', 'web1', 'cat']), 'typed')).stdout, '');
  });

  it('get a terminal with -t', async () => {
    await running();
    assert.match(await ok('exec', '-t', 'web1', 'tty'), /^\/dev\/pts\//);
  });

  it('are captured with --json', async () => {
    await running();
    const { code, stdout } = await vmm('exec', '--json', 'web1', 'sh', '-c', 'echo out; echo err >&2; exit 3');
    assert.equal(code, 3);
    assert.deepEqual(JSON.parse(stdout), { exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('may themselves end with the code that ssh keeps for its failures', async () => {
    await running();
    assert.equal((await vmm('exec', 'web1', 'sh', '-c', 'exit 255')).code, 255);
  });

  it('run by ssh, with its arguments after --', async () => {
    await running();
    assert.equal(await ok('ssh', 'web1', '--', 'echo', 'hello'), 'hello\n');
  });

  it('are refused when the guest shows another host key', async () => {
    await running();
    const knownHosts = 'vmm-guest ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqZqVn0o4dCwz7rQ7J9G0m4mB6v3kq7pUj1o2sD8w6T\n';
    configure({ access: { ...guest.access, knownHosts } });
    const { code, stderr } = await vmm('exec', 'web1', 'true');
    assert.equal(code, 7);
    assert.match(stderr, /^Error: ssh to web1 .* failed\.\n( {2}\|.*\n)+Hint: /);
    assert.match(stderr, /host key/i);
  });

  it('fail clearly when nobody answers', async () => {
    await running();
    configure({ access: { ...guest.access, port: 1 } });
    const { code, stderr } = await vmm('exec', 'web1', 'true');
    assert.equal(code, 7);
    assert.match(stderr, /Connection refused/);
  });

  it('fail clearly in a VM that does not run', async () => {
    await ok('create', 'web1');
    assert.equal((await vmm('exec', 'web1', 'true')).code, 4);
  });

  it('leave no key behind, not even when they are ended from outside', async () => {
    await running();
    const child = start(['exec', 'web1', 'sh', '-c', 'echo up; sleep 5']);
    const result = ended(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    assert.equal(readdirSync(join(base, 'tmp')).length, 1);
    child.kill('SIGTERM');
    await result;
    assert.deepEqual(readdirSync(join(base, 'tmp')), []);
  });
});

describe('run', () => {
  it("prints the command's output, ends with its code, and removes the VM with --rm", async () => {
    const { code, stdout } = await vmm('run', '--rm', '--name', 'once', 'debian', '--', 'sh', '-c', 'echo hi; exit 5');
    assert.deepEqual([code, stdout], [5, 'hi\n']);
    assert.equal(await ok('list', '--json'), '[]\n');
  });

  it('leaves the VM stopped without --rm, under a name of its own making', async () => {
    assert.equal(await ok('run', 'debian', 'echo', 'hi'), 'hi\n');
    const [vm] = JSON.parse(await ok('list', '--json')) as [{ name: string; status: { phase: string } }];
    assert.match(vm.name, /^[a-z]+-[a-z]+-\d\d$/);
    assert.equal(vm.status.phase, 'stopped');
  });

  it('prints the name and leaves the VM running with -d', async () => {
    const mark = join(base, 'behind');
    assert.equal(await ok('run', '-d', '--name', 'web1', 'debian', 'sh', '-c', `echo done > ${mark}`), 'web1\n');
    assert.match(await ok('list'), /web1 +running/);
    while (!existsSync(mark) || statSync(mark).size === 0) await pause();
    assert.equal(readFileSync(mark, 'utf8'), 'done\n');
  });

  it('undoes all when it is cancelled while the VM starts', async () => {
    const child = start(['run', '--rm', '--name', 'endless1', '--progress', 'plain', 'debian', 'true']);
    const result = ended(child);
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: Buffer | string) => String(text).includes('Booting') && resolve());
    });
    child.kill('SIGINT');
    assert.equal((await result).code, 130);
    assert.equal(await ok('list', '--json'), '[]\n');
  });
});

describe('cp', () => {
  let host: string;
  let there: string;
  beforeEach(async () => {
    host = mkdtempSync(join(base, 'host-'));
    there = mkdtempSync(join(base, 'there-'));
    await ok('create', 'web1', '--start');
    mkdirSync(join(host, 'tree/sub'), { recursive: true });
    writeFileSync(join(host, 'tree/sub/a.txt'), 'a');
    writeFileSync(join(host, 'tree/@b'), 'b', { mode: 0o755 });
  });

  it('brings a file under its own name into a directory, and under a new name elsewhere', async () => {
    await ok('cp', join(host, 'tree/sub/a.txt'), `web1:${there}`);
    await ok('cp', join(host, 'tree/sub/a.txt'), `web1:${there}/new name`);
    assert.deepEqual(readdirSync(there).toSorted(), ['a.txt', 'new name']);
    await ok('cp', `web1:${there}/new name`, host);
    await ok('cp', `web1:${there}/new name`, join(host, 'renamed'));
    assert.equal(readFileSync(join(host, 'new name'), 'utf8') + readFileSync(join(host, 'renamed'), 'utf8'), 'aa');
  });

  it('brings a tree, renamed where the target does not exist, inside where it does', async () => {
    await ok('cp', join(host, 'tree'), `web1:${there}/copy`);
    await ok('cp', join(host, 'tree'), `web1:${there}/copy`);
    assert.deepEqual(readdirSync(join(there, 'copy')).toSorted(), ['@b', 'sub', 'tree']);
    await ok('cp', `web1:${there}/copy`, join(host, 'back'));
    await ok('cp', `web1:${there}/copy`, join(host, 'back'));
    assert.deepEqual(readdirSync(join(host, 'back')).toSorted(), ['@b', 'copy', 'sub', 'tree']);
    assert.equal(statSync(join(host, 'back/@b')).mode & 0o777, 0o755);
  });

  it('brings the content of a directory with /.', async () => {
    await ok('cp', `${join(host, 'tree')}/.`, `web1:${there}`);
    assert.deepEqual(readdirSync(there).toSorted(), ['@b', 'sub']);
    const target = mkdtempSync(join(base, 'target-'));
    await ok('cp', `web1:${there}/.`, target);
    assert.deepEqual(readdirSync(target).toSorted(), ['@b', 'sub']);
  });

  it('says what is missing, on either side', async () => {
    const local = await vmm('cp', join(host, 'nope'), `web1:${there}`);
    assert.deepEqual([local.code, /There is no file/.test(local.stderr)], [2, true]);
    const remote = await vmm('cp', `web1:${there}/nope`, host);
    assert.deepEqual([remote.code, /No such file/.test(remote.stderr)], [6, true]);
    const parent = await vmm('cp', join(host, 'tree'), `web1:${there}/no/where`);
    assert.deepEqual([parent.code, /could not be written/.test(parent.stderr)], [6, true]);
    const target = await vmm('cp', `web1:${there}`, join(host, 'no/where'));
    assert.deepEqual([target.code, /There is no directory/.test(target.stderr)], [2, true]);
  });

  it('does not put a directory in the place of a file, on either side', async () => {
    writeFileSync(join(there, 'file'), 'kept');
    writeFileSync(join(host, 'file'), 'kept');
    assert.equal((await vmm('cp', join(host, 'tree'), `web1:${there}/file`)).code, 6);
    assert.equal((await vmm('cp', `web1:${there}`, join(host, 'file'))).code, 2);
    assert.equal(readFileSync(join(there, 'file'), 'utf8') + readFileSync(join(host, 'file'), 'utf8'), 'keptkept');
    assert.deepEqual(readdirSync(there), ['file']);
  });

  it('gives what comes out of a guest to the owner of the directory', async () => {
    const owned = mkdtempSync(join(base, 'owned-'));
    chmodSync(base, 0o755);
    chownSync(owned, 1234, 1235);
    await ok('cp', join(host, 'tree'), `web1:${there}`);
    await ok('cp', `web1:${there}/tree`, owned);
    const { uid, gid } = statSync(join(owned, 'tree/sub/a.txt'));
    assert.deepEqual([uid, gid], [1234, 1235]);
  });
});

describe('mounts and forwards', () => {
  it('are listed in the form of the guide', async () => {
    await ok('create', 'myvm', '--mount', '/srv/code:code:ro', '--mount', '/srv/out:output');
    const { stdout, stderr } = await vmm('mount', 'list', 'myvm');
    assert.equal(
      stdout,
      "Mounts for VM 'myvm':\n  code: /srv/code -> /mnt/code (ro) [/dev/vdb]\n  output: /srv/out -> /mnt/output (rw) [/dev/vdc]\n",
    );
    assert.match(stderr, /vmm mount pull myvm output/);
    assert.equal(await ok('port-forward', 'myvm', '127.0.0.1:5353:53/udp'), 'myvm: 127.0.0.1:5353->53/udp\n');
    assert.match(await ok('port-forward', 'list', 'myvm'), /^udp +127\.0\.0\.1 +5353 +53$/m);
  });

  async function tarOf(entries: readonly (readonly [name: string, content: string])[]): Promise<string> {
    const tar = pack();
    for (const [name, content] of entries) tar.entry({ name }, content);
    tar.finalize();
    const path = join(base, 'pull.tar');
    writeFileSync(path, await buffer(tar));
    return path;
  }

  it('bring what the guest wrote back to where it came from, and note that', async () => {
    const source = mkdtempSync(join(base, 'source-'));
    await ok('create', 'myvm', '--mount', `${source}:out`);
    configure({
      tarPath: await tarOf([
        ['./new.txt', 'from the guest'],
        ['./lost+found/#12', 'of the file system'],
      ]),
    });
    assert.match(await ok('mount', 'pull', 'myvm', 'out'), /1 files/);
    assert.equal(readFileSync(join(source, 'new.txt'), 'utf8'), 'from the guest');
    assert.deepEqual(readdirSync(source), ['new.txt']);
    assert.match(await ok('inspect', 'myvm'), /pulled=out/);
  });

  it('refuse what reaches outside, and do not count it as pulled', async () => {
    const target = mkdtempSync(join(base, 'source-'));
    await ok('create', 'myvm', '--mount', '/srv:out');
    configure({ tarPath: await tarOf([['../escaped', 'x']]) });
    assert.equal((await vmm('mount', 'pull', 'myvm', 'out', target)).code, 7);
    assert.equal(existsSync(join(base, 'escaped')), false);
    assert.doesNotMatch(await ok('inspect', 'myvm'), /pulled/);
  });
});

describe('the console', () => {
  it('sends what is typed and shows what comes', async () => {
    await ok('create', 'web1', '--start');
    const child = start(['console', 'web1']);
    let shown = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (shown += text));
    child.stdin?.write('root\n');
    while (!shown.includes('root')) await pause();
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
    assert.equal(shown, 'login: root\n');
  });
});

describe('completion', () => {
  it('knows the VMs without a daemon', async () => {
    await ok('create', 'web1');
    await ok('daemon', 'stop');
    assert.equal(await ok('__complete', '--', 'start', 'w'), 'words\nweb1\n');
    assert.ok(existsSync(layout(dataDir).statusFile));
  });

  it('works in bash', async () => {
    const script = `source <(vmm completion bash); COMP_WORDS=(vmm sta); COMP_CWORD=1; _vmm; echo "\${COMPREPLY[@]}"`;
    const bin = join(base, 'bin');
    mkdirSync(bin, { recursive: true });
    const program = join(import.meta.dirname, 'vmm.ts');
    writeFileSync(join(bin, 'vmm'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, VMM_DATA_DIR: dataDir, HOME: base };
    const { stdout, stderr } = await ended(spawn('bash', ['-c', script], { env }));
    assert.equal(stdout, 'start\n', stderr);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createCommandRunner } from '../../../src/adapters/host/create-command-runner.ts';
import type { Command, CommandRunner } from '../../../src/ports/command-runner.ts';
import { isRoot, MiB, scratch, sh, signal } from './scratch.ts';

const asRoot = { skip: !isRoot };
const id = { vmId: 'one', tag: 'code' };

/** What debugfs, which mounts nothing, says of an image. */
const debugfs = (image: string, request: string) => sh('debugfs', '-R', request, image);

function sourceIn(folder: string): string {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'hello'), 'hello\n');
  return source;
}

describe('a mount image', () => {
  it('holds the directory: contents, owners, modes, times, links', asRoot, async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    mkdirSync(join(source, 'deep/er'), { recursive: true });
    const data = randomBytes(3 * MiB + 17);
    writeFileSync(join(source, 'deep/er/data'), data);
    writeFileSync(join(source, 'deep/naïve ☃'), 'x');
    linkSync(join(source, 'hello'), join(source, 'twin'));
    symlinkSync('../../etc/passwd', join(source, 'link'));
    symlinkSync('x'.repeat(200), join(source, 'long'));
    writeFileSync(join(source, 'tool'), '#!/bin/sh\n');
    chownSync(join(source, 'tool'), 1234, 5678);
    chmodSync(join(source, 'tool'), 0o4711);
    chownSync(source, 1000, 1001);
    utimesSync(join(source, 'tool'), 1e9, 1e9);

    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    assert.equal(path, place.volumes.mountImagePath('one', 'code'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    sh('e2fsck', '-fn', path);
    const out = join(place.folder, 'out');
    mkdirSync(out);
    debugfs(path, `rdump /deep ${out}`);
    assert.ok(readFileSync(join(out, 'deep/er/data')).equals(data));
    assert.equal(readFileSync(join(out, 'deep/naïve ☃'), 'utf8'), 'x');
    const tool = debugfs(path, 'stat /tool');
    assert.match(tool, /Mode:\s+04711/);
    assert.match(tool, /User:\s+1234\s+Group:\s+5678/);
    assert.match(tool, /mtime: 0x3b9aca00/);
    assert.match(debugfs(path, 'stat /hello'), /Links: 2/);
    assert.match(debugfs(path, 'stat /link'), /Fast link dest: "..\/..\/etc\/passwd"/);
    assert.match(debugfs(path, 'stat /long'), /Type: symlink.*\n(.*\n)*.*Size: 200/);
    assert.match(debugfs(path, 'stat /'), /User:\s+1000\s+Group:\s+1001/);
    assert.match(sh('dumpe2fs', '-h', path), /volume name:\s+vmm-mount\n/);
  });

  it('takes little more of the disk than the directory and leaves the guest room', async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    writeFileSync(join(source, 'data'), randomBytes(20 * MiB));
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    const { size, blocks } = statSync(path);
    assert.ok(blocks * 512 < 24 * MiB, `it takes ${(blocks * 512) / MiB} MiB`);
    assert.ok(size > 1000 * MiB);
    assert.deepEqual(place.files(), ['mounts/one/code.ext4', 'mounts/one/code.json']);
  });

  it('is made of empty directories, of many tiny files and of sparse ones', async () => {
    using place = scratch();
    const source = join(place.folder, 'source');
    mkdirSync(source);
    await place.volumes.createMountImage({ ...id, source, signal });
    for (let n = 0; n < 3_000; n++) writeFileSync(join(source, `file${n}`), '');
    writeFileSync(join(source, 'sparse'), 'begin');
    truncateSync(join(source, 'sparse'), 50 * 1024 * MiB);
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    assert.match(debugfs(path, 'stat /file2999'), /Type: regular/);
    assert.match(debugfs(path, 'stat /sparse'), /Size: 53687091200/);
    assert.ok(statSync(path).blocks * 512 < 30 * MiB);
  });

  it('takes pipes, sockets and device nodes as they come', asRoot, async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    sh('mkfifo', join(source, 'pipe'));
    sh('mknod', join(source, 'null'), 'c', '1', '3');
    const server = createServer().listen(join(source, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    server.close();
    assert.match(debugfs(path, 'stat /pipe'), /Type: FIFO/);
    assert.equal(debugfs(path, 'cat /hello'), 'hello\n');
  });

  it('is refused for what is missing, no directory, full of the kernel’s files, or vmm’s own', async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    const refused: readonly [string, RegExp][] = [
      [join(place.folder, 'missing'), /missing does not exist/],
      [join(source, 'hello'), /is no directory/],
      ['/proc/self', /proc file system/],
      [place.folder, /own data directory/],
      [place.paths.state, /own data directory|does not exist/],
      ['/', /own data directory/],
    ];
    for (const [path, message] of refused) {
      const making = place.volumes.createMountImage({ ...id, source: path, signal });
      await assert.rejects(making, { code: 'invalid_mount', message });
    }
    assert.deepEqual(place.files(), []);
    assert.deepEqual(await place.volumes.listVmIds(), []);
  });

  it('names what cannot be read', asRoot, async () => {
    using place = scratch({ runner: withoutOverride(createCommandRunner()) });
    const source = sourceIn(place.folder);
    mkdirSync(join(source, 'private'), { mode: 0o700 });
    writeFileSync(join(source, 'secret'), 'x', { mode: 0o600 });
    for (const name of ['private', 'secret']) chownSync(join(source, name), 65_534, 65_534);
    const making = () => place.volumes.createMountImage({ ...id, source, signal });
    await assert.rejects(making(), { code: 'invalid_mount', message: /source\/private.*Permission denied/ });
    rmSync(join(source, 'private'), { recursive: true });
    await assert.rejects(making(), { code: 'invalid_mount', message: /"secret" in .*source cannot be read/ });
    assert.deepEqual(place.files(), []);
  });

  it('is the old one still when a new one is cancelled midway', async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    const before = statSync(path);
    writeFileSync(join(source, 'big'), randomBytes(200 * MiB));
    const abort = new AbortController();
    const making = place.volumes.createMountImage({ ...id, source, signal: abort.signal });
    setTimeout(() => abort.abort(), 60);
    await assert.rejects(making, { code: 'aborted' });
    assert.equal(statSync(path).ino, before.ino);
    assert.deepEqual(place.files(), ['mounts/one/code.ext4', 'mounts/one/code.json']);
    assert.equal(await place.volumes.mountHasWrites('one', 'code'), false);
  });

  it('is of the directory that was checked, even when its path is swapped meanwhile', asRoot, async () => {
    const runner = createCommandRunner();
    let source = '';
    const swapping: CommandRunner = {
      ...runner,
      stream(command) {
        // The directory is checked before the first program looks into it.
        renameSync(source, `${source}.moved`);
        symlinkSync('/etc', source);
        return runner.stream(command);
      },
    };
    using place = scratch({ runner: swapping });
    source = sourceIn(place.folder);
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    assert.equal(debugfs(path, 'cat /hello'), 'hello\n');
  });
});

describe('the guest’s writes', () => {
  /** What a guest does: mounts the image, works on it, unmounts it. */
  function guest(place: ReturnType<typeof scratch>, work: (folder: string) => void, options = 'loop,strictatime') {
    const folder = join(place.folder, 'guest');
    mkdirSync(folder, { recursive: true });
    sh('mount', '-o', options, place.volumes.mountImagePath('one', 'code'), folder);
    try {
      work(folder);
    } finally {
      sh('umount', folder);
    }
  }
  const written = (place: ReturnType<typeof scratch>) => place.volumes.mountHasWrites('one', 'code');

  it('are none when it only mounts and reads', asRoot, async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    assert.equal(await written(place), false);
    const { path } = await place.volumes.createMountImage({ ...id, source, signal });
    assert.equal(await written(place), false);
    const before = statSync(path).mtimeMs;
    guest(place, (folder) => readFileSync(join(folder, 'hello')));
    assert.notEqual(statSync(path).mtimeMs, before);
    assert.equal(await written(place), false);
  });

  it('are seen, be it a new file, a change, a removal, a mode or a name', asRoot, async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    mkdirSync(join(source, 'deep'));
    writeFileSync(join(source, 'deep/file'), 'x'.repeat(10_000));
    const works: readonly ((folder: string) => void)[] = [
      (folder) => writeFileSync(join(folder, 'deep/new'), ''),
      (folder) => writeFileSync(join(folder, 'hello'), 'HELLO\n'),
      (folder) => rmSync(join(folder, 'deep/file')),
      (folder) => chmodSync(join(folder, 'hello'), 0o600),
      (folder) => renameSync(join(folder, 'deep/file'), join(folder, 'deep/other')),
    ];
    for (const work of works) {
      await place.volumes.createMountImage({ ...id, source, signal });
      guest(place, work);
      assert.equal(await written(place), true, String(work));
    }
  });

  it('are seen when they are in the journal alone, as after a kill of the VM', asRoot, async () => {
    using place = scratch();
    const { path } = await place.volumes.createMountImage({ ...id, source: sourceIn(place.folder), signal });
    const image = join(place.folder, 'killed.ext4');
    guest(place, (folder) => {
      writeFileSync(join(folder, 'new'), 'x');
      sh('sync', '-f', folder);
      sh('cp', '--sparse=always', path, image);
    });
    sh('cp', '--sparse=always', image, path);
    assert.equal(await written(place), true);
  });

  it('are none any more once they were pulled, until the next', asRoot, async () => {
    using place = scratch();
    await place.volumes.createMountImage({ ...id, source: sourceIn(place.folder), signal });
    guest(place, (folder) => writeFileSync(join(folder, 'new'), 'x'));
    await place.volumes.markPulled('one', 'code');
    assert.equal(await written(place), false);
    guest(place, (folder) => writeFileSync(join(folder, 'new'), 'y'));
    assert.equal(await written(place), true);
  });

  it('are taken for granted when the mark is lost', async () => {
    using place = scratch();
    await place.volumes.createMountImage({ ...id, source: sourceIn(place.folder), signal });
    rmSync(join(place.paths.vmMounts('one'), 'code.json'));
    assert.equal(await written(place), true);
  });

  it('are kept aside under a time, however often', async () => {
    using place = scratch();
    const source = sourceIn(place.folder);
    const names: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { path } = await place.volumes.createMountImage({ ...id, source, signal });
      writeFileSync(path, `image ${n}`);
      names.push(await place.volumes.keepMountImage('one', 'code'));
      assert.equal(await written(place), false);
    }
    await place.volumes.createMountImage({ vmId: 'one', tag: 'code-2', source, signal });
    assert.deepEqual(await place.volumes.listKept('one', 'code'), names);
    assert.deepEqual(await place.volumes.listKept('one', 'code-2'), []);
    for (const [n, name] of names.entries()) {
      assert.equal(readFileSync(place.volumes.keptPath('one', 'code', name), 'utf8'), `image ${n}`);
    }
    assert.throws(() => place.volumes.keptPath('one', 'code', '../../x'), { code: 'mount_not_found' });
    for (const name of names) await place.volumes.removeKept('one', 'code', name);
    await place.volumes.removeMount('one', 'code-2');
    await place.volumes.removeMount('one', 'code-2');
    assert.deepEqual(place.files(), []);
    await assert.rejects(place.volumes.keepMountImage('one', 'code'), { code: 'storage_failed' });
  });
});

/** Runs programs as a root to whom the modes of files mean something. */
function withoutOverride(runner: CommandRunner): CommandRunner {
  const dropping = (command: Command): Command => ({
    ...command,
    program: 'setpriv',
    args: ['--bounding-set=-dac_override,-dac_read_search', '--', command.program, ...command.args],
  });
  return {
    ...runner,
    run: (command) => runner.run(dropping(command)),
    stream: (command) => runner.stream(dropping(command)),
  };
}

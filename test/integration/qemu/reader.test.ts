import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { extract } from 'tar-stream';
import { createMountReader } from '../../../src/adapters/hypervisor/qemu/create-mount-reader.ts';
import type { MountReader } from '../../../src/ports/mount-reader.ts';
import { exec } from '../../support/exec.ts';
import { consoleSays, endOf, guestRuns, type Lab, openLab, type } from './support/lab.ts';

interface Entry {
  readonly type: string;
  readonly linkname: string | undefined;
  readonly sha256: string;
}

const signal = AbortSignal.timeout(120_000);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('reading what a guest wrote', () => {
  let lab: Lab;
  let reader: MountReader;
  before(async () => {
    lab = await openLab();
    const kit = { ...lab.kit, kernel: { name: 'default', version: '', digest: lab.kit.digest, createdAt: '' } };
    reader = createMountReader({ ...lab.deps, kit: { ensure: async () => ({ ...kit, busyboxPath: '' }) } });
  });
  after(() => lab.close());

  async function imageOf(name: string, fill: (tree: string) => Promise<void>): Promise<string> {
    const tree = join(lab.scratch, `${name}-tree`);
    await mkdir(tree);
    await fill(tree);
    const image = join(lab.scratch, `${name}.ext4`);
    await exec('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '64M']);
    return image;
  }

  /** Reads the stream as slowly as `pauseMs` a chunk. */
  async function readAll(image: string, pauseMs = 0): Promise<Map<string, Entry>> {
    const { tar, done } = await reader.readTree(image, signal);
    const entries = new Map<string, Entry>();
    const unpack = extract();
    const unpacked = pipeline(tar, unpack);
    for await (const entry of unpack) {
      const hash = createHash('sha256');
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        hash.update(chunk);
        if (pauseMs > 0) await sleep(pauseMs);
      }
      const { name, type, linkname } = entry.header;
      entries.set(name, { type: type ?? '', linkname: linkname ?? undefined, sha256: hash.digest('hex') });
    }
    await unpacked;
    await done;
    return entries;
  }

  async function nothingLeft(): Promise<void> {
    assert.deepEqual(await readdir(lab.paths.tmp), []);
  }

  test('gives the whole tree, hostile links as data, and leaves the image as it was', async () => {
    const big = randomBytes(20 * 1024 * 1024);
    const image = await imageOf('hostile', async (tree) => {
      await mkdir(join(tree, 'folder'));
      await writeFile(join(tree, 'folder/big'), big);
      await symlink('/etc/passwd', join(tree, 'resolv.conf'));
      await symlink('../../../../../../etc', join(tree, 'up'));
      await symlink('up/shadow', join(tree, 'through'));
    });
    const before = sha256(readFileSync(image));
    const entries = await readAll(image, 1);
    assert.equal(entries.get('./folder/big')?.sha256, sha256(big));
    assert.deepEqual(
      [entries.get('./resolv.conf')?.type, entries.get('./resolv.conf')?.linkname],
      ['symlink', '/etc/passwd'],
    );
    assert.equal(entries.get('./up')?.linkname, '../../../../../../etc');
    assert.equal(entries.get('./through')?.type, 'symlink');
    assert.equal(sha256(readFileSync(image)), before);
    await nothingLeft();
  });

  test('gives a file whole that ends with the archive, time after time', async () => {
    const data = randomBytes(3 * 1024 * 1024);
    const image = await imageOf('last', (tree) => writeFile(join(tree, 'only'), data));
    for (let round = 0; round < 3; round++) assert.equal((await readAll(image)).get('./only')?.sha256, sha256(data));
  });

  test('gives what only the journal holds, after a guest that was killed', async () => {
    const plan = await lab.vmPlan('journal');
    const handle = await lab.launch(plan);
    await guestRuns(plan);
    await type(handle, 'echo kept >/root/kept; sync; echo synced-$((1+1))');
    await consoleSays(plan, 'synced-2');
    process.kill(handle.record.process.pid, 'SIGKILL');
    await endOf(handle);
    const disk = plan.drives[0]?.path ?? '';
    assert.match((await exec('dumpe2fs', ['-h', disk])).stdout, /needs_recovery/);
    assert.equal((await readAll(disk)).get('./root/kept')?.sha256, sha256(Buffer.from('kept\n')));
  });

  test('refuses what is no file system', async () => {
    const image = join(lab.scratch, 'noise');
    await writeFile(image, randomBytes(1024 * 1024));
    const { tar, done } = await reader.readTree(image, signal);
    tar.on('error', () => undefined);
    tar.resume();
    await assert.rejects(done, { code: 'engine_failed', message: /could not be read whole/ });
    await nothingLeft();
  });

  test('stops at a sparse file that claims more than any disk has', async () => {
    const image = await imageOf('sparse', async (tree) => {
      await using file = await open(join(tree, 'huge'), 'w');
      await file.truncate(200 * 1024 ** 3);
    });
    const { tar, done } = await reader.readTree(image, signal);
    tar.on('error', () => undefined);
    tar.resume();
    await assert.rejects(done, { code: 'engine_failed', message: /claim more than 4 times/ });
    await nothingLeft();
  });

  test('ends when it is cancelled, and when nobody reads any more', async () => {
    const image = await imageOf('cancel', (tree) => writeFile(join(tree, 'a'), 'a'));
    const controller = new AbortController();
    const cancelled = await reader.readTree(image, controller.signal);
    cancelled.tar.on('error', () => undefined);
    setTimeout(() => controller.abort(), 300);
    await assert.rejects(cancelled.done, { code: 'aborted' });

    const dropped = await reader.readTree(image, signal);
    setTimeout(
      () => 'destroy' in dropped.tar && typeof dropped.tar.destroy === 'function' && dropped.tar.destroy(),
      300,
    );
    await assert.rejects(dropped.done, { code: 'aborted' });
    await nothingLeft();
  });
});

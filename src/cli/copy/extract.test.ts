import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { VmmError } from '../../contract/errors.ts';
import { type Extracted, extract } from './extract.ts';

type Entry = readonly [header: Partial<Header> & { readonly name: string }, content?: string];

/** A tar stream with exactly these headers, which no honest tar would write. */
function crafted(entries: readonly Entry[]): Readable {
  const tar = pack();
  for (const [header, content] of entries) tar.entry(header, content ?? '');
  tar.finalize();
  return Readable.from(tar);
}

describe('extracting the archive of a hostile guest', () => {
  let base: string;
  let root: string;
  let outside: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'vmm-extract-'));
    root = join(base, 'root');
    outside = join(base, 'outside');
    mkdirSync(root);
    mkdirSync(outside);
    writeFileSync(join(outside, 'passwd'), 'untouched');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const run = (entries: readonly Entry[], place = (parts: readonly string[]): readonly string[] | undefined => parts) =>
    extract(crafted(entries), { root, place, signal: new AbortController().signal });

  async function refusal(work: Promise<Extracted>): Promise<VmmError> {
    const error = await work.then(
      () => assert.fail('it was extracted'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof VmmError, String(error));
    assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'untouched');
    return error;
  }

  it('brings files, directories and links as they are', async () => {
    const result = await run([
      [{ name: './', type: 'directory' }],
      [{ name: './sub/', type: 'directory', mode: 0o750 }],
      [{ name: './sub/tool', mode: 0o755 }, 'run me'],
      [{ name: './link', type: 'symlink', linkname: 'sub/tool' }],
      [{ name: './again', type: 'link', linkname: './sub/tool' }],
    ]);
    assert.equal(readFileSync(join(root, 'sub/tool'), 'utf8'), 'run me');
    assert.equal(result.bytes, 'run me'.length);
    assert.equal(statSync(join(root, 'sub/tool')).mode & 0o777, 0o755);
    assert.equal(readlinkSync(join(root, 'link')), 'sub/tool');
    assert.equal(statSync(join(root, 'again')).ino, statSync(join(root, 'sub/tool')).ino);
    assert.deepEqual([result.files, result.skipped], [3, []]);
  });

  it('keeps a link that points outside, since only its reader could follow it', async () => {
    await run([[{ name: 'bin', type: 'symlink', linkname: '/usr/bin' }]]);
    assert.equal(readlinkSync(join(root, 'bin')), '/usr/bin');
  });

  it('refuses a path that climbs', async () => {
    const error = await refusal(run([[{ name: '../outside/passwd' }, 'owned']]));
    assert.equal(error.code, 'archive_refused');
  });

  it('refuses a path that climbs from below', async () => {
    const error = await refusal(run([[{ name: 'a/../../outside/passwd' }, 'owned']]));
    assert.equal(error.code, 'archive_refused');
  });

  it('refuses an absolute path', async () => {
    const error = await refusal(run([[{ name: join(outside, 'passwd') }, 'owned']]));
    assert.equal(error.code, 'archive_refused');
  });

  it('does not write through a link that the archive brought before', async () => {
    await run([[{ name: 'way', type: 'symlink', linkname: outside }], [{ name: 'way/passwd' }, 'owned']]);
    assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'untouched');
    assert.ok(lstatSync(join(root, 'way')).isDirectory());
  });

  it('does not write through a link of the same name as the file', async () => {
    await run([[{ name: 'file', type: 'symlink', linkname: join(outside, 'passwd') }], [{ name: 'file' }, 'owned']]);
    assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'untouched');
  });

  it('does not make a link below a link', async () => {
    const { skipped } = await run([
      [{ name: 'way', type: 'symlink', linkname: outside }],
      [{ name: 'way/planted', type: 'symlink', linkname: '/etc/shadow' }],
    ]);
    assert.equal(existsSync(join(outside, 'planted')), false);
    assert.equal(skipped.length, 1);
  });

  it('does not write through a link that an earlier pull left in the destination', async () => {
    symlinkSync(outside, join(root, 'way'));
    const error = await refusal(run([[{ name: 'way/passwd' }, 'owned']]));
    assert.equal(error.code, 'archive_refused');
  });

  it('replaces a link at the place of a file and leaves what it pointed to', async () => {
    symlinkSync(join(outside, 'passwd'), join(root, 'file'));
    await run([[{ name: 'file' }, 'new']]);
    assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'untouched');
    assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'new');
  });

  it('refuses a hard link to a file of the host', async () => {
    const error = await refusal(run([[{ name: 'stolen', type: 'link', linkname: join(outside, 'passwd') }]]));
    assert.equal(error.code, 'archive_refused');
  });

  it('refuses a hard link that climbs', async () => {
    const error = await refusal(run([[{ name: 'stolen', type: 'link', linkname: '../outside/passwd' }]]));
    assert.equal(error.code, 'archive_refused');
  });

  it('refuses a hard link to a file that stood in the destination before', async () => {
    writeFileSync(join(root, 'mine'), 'mine');
    const error = await refusal(run([[{ name: 'other', type: 'link', linkname: 'mine' }]]));
    assert.equal(error.code, 'archive_refused');
  });

  it('does not write into a file of the host by way of a hard link', async () => {
    await run([[{ name: 'a' }, 'first'], [{ name: 'b', type: 'link', linkname: 'a' }], [{ name: 'b' }, 'second']]);
    assert.equal(readFileSync(join(root, 'a'), 'utf8'), 'first');
    assert.equal(readFileSync(join(root, 'b'), 'utf8'), 'second');
  });

  it('leaves out devices and pipes, and says so', async () => {
    const { skipped } = await run([
      [{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }],
      [{ name: 'mem', type: 'character-device', devmajor: 1, devminor: 1 }],
      [{ name: 'pipe', type: 'fifo' }],
      [{ name: 'file' }, 'kept'],
    ]);
    assert.deepEqual(
      ['sda', 'mem', 'pipe', 'file'].map((name) => existsSync(join(root, name))),
      [false, false, false, true],
    );
    assert.equal(skipped.length, 3);
  });

  it('drops set-id bits', async () => {
    await run([[{ name: 'su', mode: 0o6755 }, 'x']]);
    assert.equal(statSync(join(root, 'su')).mode & 0o7777, 0o755);
  });

  it('does not take the owner that the guest names', async () => {
    await run([[{ name: 'file', uid: 12345, gid: 12345 }, 'x']]);
    assert.equal(statSync(join(root, 'file')).uid, process.geteuid?.());
  });

  it('keeps control characters out of what it says', async () => {
    const { skipped } = await run([[{ name: 'evil\u001b[2J', type: 'fifo' }]]);
    assert.equal(skipped.join().includes('\u001b'), false);
  });

  it('refuses a file where the directory itself stands', async () => {
    const error = await refusal(run([[{ name: '.', type: 'symlink', linkname: outside }]]));
    assert.equal(error.code, 'archive_refused');
  });

  it('refuses what was not asked for', async () => {
    const place = (parts: readonly string[]) => (parts[0] === 'asked' ? parts : undefined);
    const error = await refusal(run([[{ name: '.bashrc' }, 'owned']], place));
    assert.equal(error.code, 'archive_refused');
    assert.equal(existsSync(join(root, '.bashrc')), false);
  });

  it('fails on a stream that is no archive', async () => {
    const error = await refusal(
      extract(Readable.from([Buffer.alloc(2048, 'x')]), {
        root,
        place: (parts) => parts,
        signal: new AbortController().signal,
      }),
    );
    assert.equal(error.code, 'storage_failed');
  });

  it('fails on an archive that breaks off', async () => {
    const chunks = await crafted([[{ name: 'big' }, 'x'.repeat(100_000)]]).toArray();
    const half = Buffer.concat(chunks).subarray(0, 50_000);
    const work = extract(Readable.from([half]), {
      root,
      place: (parts) => parts,
      signal: new AbortController().signal,
    });
    assert.equal((await refusal(work)).code, 'storage_failed');
  });

  it('stops when it is cancelled', async () => {
    const work = extract(crafted([[{ name: 'a' }, 'x']]), {
      root,
      place: (parts) => parts,
      signal: AbortSignal.abort(),
    });
    await assert.rejects(work, { name: 'AbortError' });
  });
});

import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { removeLog, trimLog } from './trim-log.ts';

let directory: string;
let path: string;

describe('console logs', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'log-'));
    path = join(directory, 'web1.log');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('moves a grown log aside while its writer goes on writing to it', async () => {
    await using writer = await open(path, 'a');
    await writer.write('before\n');
    assert.equal(await trimLog(path, 3, 2), true);
    await writer.write('after\n');
    assert.equal(await readFile(path, 'utf8'), 'after\n');
    assert.equal((await stat(path)).size, 6);
    assert.equal(await readFile(`${path}.1`, 'utf8'), 'before\n');
  });

  it('keeps so many old ones and no more', async () => {
    for (const text of ['one', 'two', 'three', 'four']) {
      await appendFile(path, text);
      await trimLog(path, 1, 2);
    }
    assert.equal(await readFile(`${path}.1`, 'utf8'), 'four');
    assert.equal(await readFile(`${path}.2`, 'utf8'), 'three');
    await assert.rejects(stat(`${path}.3`), { code: 'ENOENT' });
  });

  it('leaves a small or missing log alone', async () => {
    await writeFile(path, 'abc');
    assert.equal(await trimLog(path, 3, 2), false);
    assert.equal(await trimLog(join(directory, 'none.log'), 3, 2), false);
  });

  it('removeLog takes the old ones along', async () => {
    await writeFile(path, 'abc');
    await trimLog(path, 1, 1);
    await removeLog(path, 1);
    await removeLog(path, 1);
    await assert.rejects(stat(`${path}.1`), { code: 'ENOENT' });
  });
});

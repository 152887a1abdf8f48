import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** Runs a test file of the given text by `node --test` and returns `outcome title` of each result. */
async function outcomes(text: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vr-'));
  try {
    await writeFile(join(folder, 'a.test.mjs'), `import { after, describe, test } from 'node:test';\n${text}`);
    const reporter = join(import.meta.dirname, 'results-reporter.ts');
    const args = ['--test', `--test-reporter=${reporter}`, `--test-reporter-destination=${join(folder, 'out')}`];
    // NODE_TEST_CONTEXT would make the inner run report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    await new Promise<void>((resolve) => {
      execFile(process.execPath, [...args, 'a.test.mjs'], { cwd: folder, env, timeout: 30_000 }, () => resolve());
    });
    const lines = (await readFile(join(folder, 'out'), 'utf8')).split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line)).map(({ outcome, title }) => `${outcome} ${title}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a test in a describe counts once, and its describe not at all', async () => {
  assert.deepEqual(await outcomes(`describe('d', () => { test('a', () => {}); test('b', () => { throw 1; }); });`), [
    'passed a',
    'failed b',
  ]);
});

test('skipped tests and tests still to do count as skipped', async () => {
  assert.deepEqual(await outcomes(`test('s', { skip: 'no root' }, () => {}); test('t', { todo: true }, () => {});`), [
    'skipped s',
    'skipped t',
  ]);
});

test('a hook that throws is a failure although every test passed', async () => {
  assert.deepEqual(
    await outcomes(`describe('d', () => { test('a', () => {}); after(() => { throw new Error(); }); });`),
    ['passed a', 'failed d'],
  );
});

test('a file that cannot be loaded is a failure', async () => {
  assert.deepEqual(await outcomes(`throw new Error('broken');`), ['failed a.test.mjs']);
});

test('a file without tests counts as no test', async () => {
  assert.deepEqual(await outcomes(''), []);
});

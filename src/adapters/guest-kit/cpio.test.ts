import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeCpio } from './cpio.ts';

test('an archive has a header per entry, aligned to four bytes, and a trailer', () => {
  const archive = writeCpio([
    { kind: 'directory', path: 'bin' },
    { kind: 'file', path: 'bin/tool', content: Buffer.from('hello'), mode: 0o755 },
    { kind: 'link', path: 'bin/other', target: 'tool' },
  ]);
  const text = archive.toString('latin1');
  assert.equal(archive.length % 4, 0);
  assert.equal(text.split('070701').length - 1, 4);
  assert.match(text, /TRAILER!!!\0+$/);
  const header = text.indexOf('070701', 1);
  assert.equal(header % 4, 0);
  assert.equal(text.slice(header + 14, header + 22), '000081ed');
  assert.equal(text.slice(header + 54, header + 62), '00000005');
});

test('equal entries make equal bytes', () => {
  const entries = [{ kind: 'file', path: 'init', content: Buffer.from('x'), mode: 0o755 }] as const;
  assert.deepEqual(writeCpio(entries), writeCpio(entries));
});

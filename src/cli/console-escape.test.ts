import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEscape } from './console-escape.ts';

/** What reaches the guest, and whether the console was left, after these chunks. */
function type(...chunks: string[]) {
  const find = createEscape();
  let sent = '';
  for (const chunk of chunks) {
    const { bytes, leave } = find(Buffer.from(chunk));
    sent += bytes.toString();
    if (leave) return { sent, left: true };
  }
  return { sent, left: false };
}

describe('the escape of the console', () => {
  it('is Ctrl-] anywhere', () => assert.deepEqual(type('ls\u001drest'), { sent: 'ls', left: true }));
  it('is ~. at the beginning', () => assert.deepEqual(type('~.'), { sent: '', left: true }));
  it('is ~. after Enter, also key by key', () => {
    assert.deepEqual(type('l', 's', '\r', '~', '.'), { sent: 'ls\r', left: true });
  });
  it('is no ~. within a line', () => assert.deepEqual(type('a~.b'), { sent: 'a~.b', left: false }));
  it('sends ~ and what follows when it is no escape', () => {
    assert.deepEqual(type('\n~', 'x~.'), { sent: '\n~x~.', left: false });
  });
  it('sends one ~ for two', () => assert.deepEqual(type('~~.'), { sent: '~.', left: false }));
});

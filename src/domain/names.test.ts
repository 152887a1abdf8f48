import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertName } from './names.ts';

describe('a VM’s name', () => {
  it('is 1 to 63 letters, digits and inner dashes', () => {
    for (const name of ['a', 'Z', '7', 'web-1', 'a--b', 'x'.repeat(63)]) assertName('VM', name);
  });

  it('that is none is refused with one that would do', () => {
    for (const [name, hint] of [
      ['my_vm', 'my-vm'],
      ['../etc/passwd', 'etc-passwd'],
      ['web.example.org', 'web-example-org'],
      ['-web-', 'web'],
      ['Gäste', 'Ga-ste'],
      ['two words', 'two-words'],
      ['x'.repeat(65), 'x'.repeat(63)],
      [`${'x'.repeat(62)}-yy`, 'x'.repeat(62)],
    ] as const) {
      assert.throws(() => assertName('VM', name), { code: 'invalid_name', hint: `Try the name ${hint}` }, name);
      assertName('VM', hint);
    }
  });

  it('of which nothing is left is refused without a proposal', () => {
    for (const name of ['', '---', '..', '日本'])
      assert.throws(() => assertName('VM', name), { code: 'invalid_name', hint: undefined });
  });

  it('is quoted in the message, but never at great length', () => {
    assert.throws(
      () => assertName('image', '!'.repeat(10_000)),
      ({ message }: Error) => message.length < 250,
    );
  });
});

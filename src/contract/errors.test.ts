import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asVmmError, VmmError } from './errors.ts';

describe('a thrown value', () => {
  it('is passed on when it is ours', () => {
    const error = new VmmError('vm_busy', 'VM a is busy.');
    assert.equal(asVmmError(error), error);
  });
  it('is an abort when it says so', () => {
    assert.equal(asVmmError(new DOMException('stop', 'AbortError')).code, 'aborted');
  });
  it('is a full disk wherever that was met, with the place', () => {
    const thrown = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', path: '/data/key' });
    const { code, message, hint } = asVmmError(thrown);
    assert.deepEqual([code, message], ['disk_full', 'The file system of /data/key is full.']);
    assert.match(hint ?? '', /df -h/);
  });
  it('is a fault of ours otherwise', () => {
    assert.equal(asVmmError(new TypeError('x is undefined')).code, 'internal');
    assert.equal(asVmmError('text').code, 'internal');
  });
});

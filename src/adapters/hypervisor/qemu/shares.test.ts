import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileServerArguments } from './shares.ts';

describe('fileServerArguments', () => {
  it('keeps a path with commas and backslashes whole in the options of the C server', () => {
    assert.deepEqual(fileServerArguments('c', '../vm/fs0.sock', '/a,b\\c'), [
      '--socket-path=../vm/fs0.sock',
      '-o',
      'source=/a\\,b\\\\c',
      '-o',
      'sandbox=namespace',
      '-o',
      'cache=auto',
    ]);
  });

  it('uses the options of the Rust server', () => {
    assert.deepEqual(fileServerArguments('rust', '../vm/fs0.sock', '/a,b'), [
      '--socket-path=../vm/fs0.sock',
      '--shared-dir=/a,b',
      '--sandbox=namespace',
      '--cache=auto',
    ]);
  });
});

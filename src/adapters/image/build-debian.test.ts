import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../contract/stream.ts';
import { packageCounter } from './build-debian.ts';

test('packages are counted as they are set up, against what apt announced', () => {
  const seen: Progress[] = [];
  const count = packageCounter((progress) => seen.push(progress));
  count('0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.');
  count('Setting up libc6:amd64 (2.36-9) ...');
  count('Unpacking bash (5.2) ...');
  count('Setting up bash (5.2) ...');
  assert.deepEqual(
    seen.map(({ message, current, total }) => [message, current, total]),
    [
      ['Setting up libc6', 1, 2],
      ['Setting up bash', 2, 2],
    ],
  );
});

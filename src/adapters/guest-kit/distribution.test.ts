import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distributionOf } from './distribution.ts';

test('Debian and Ubuntu name their small kernel, relatives follow their parent', () => {
  assert.equal(distributionOf('ID=debian\nVERSION_ID="12"\n', 'x64').kernelPackage, 'linux-image-cloud-amd64');
  assert.equal(distributionOf('ID=ubuntu\nID_LIKE=debian\n', 'x64').kernelPackage, 'linux-image-virtual');
  assert.equal(distributionOf('ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'x64').id, 'ubuntu');
});

test('another system or another processor is not supported', () => {
  assert.throws(() => distributionOf('ID=fedora\n', 'x64'), { code: 'not_supported' });
  assert.throws(() => distributionOf('ID=debian\n', 'arm64'), { code: 'not_supported' });
});

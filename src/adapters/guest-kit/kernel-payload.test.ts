import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelPayload } from './kernel-payload.ts';

function bzImage(payload: Buffer, setupSectors = 2): Buffer {
  const image = Buffer.alloc((setupSectors + 1) * 512 + 16 + payload.length);
  image.writeUInt8(setupSectors, 0x1f1);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(0x20f, 0x206);
  image.writeUInt32LE(16, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, (setupSectors + 1) * 512 + 16);
  return image;
}

test('the payload is found by the fields of the boot protocol, without the size appended to it', () => {
  const packed = Buffer.from('28b52ffd0102030405060708', 'hex');
  const { packing, payload } = kernelPayload(bzImage(packed));
  assert.equal(packing, 'zstd');
  assert.equal(payload.toString('hex'), '28b52ffd01020304');
});

test('a kernel that is not packed is taken as it is', () => {
  const elf = Buffer.from('7f454c4602010100', 'hex');
  assert.deepEqual(kernelPayload(bzImage(elf)), { packing: 'none', payload: elf });
});

test('a file that is no kernel, or is packed in an unknown way, is refused', () => {
  assert.throws(() => kernelPayload(Buffer.alloc(4096)), { code: 'kit_build_failed' });
  assert.throws(() => kernelPayload(bzImage(Buffer.from('deadbeefdeadbeef', 'hex'))), { code: 'kit_build_failed' });
});

import { VmmError } from '../../contract/errors.ts';

/** How the ELF kernel inside a bzImage is packed. */
export type Packing = 'none' | 'gzip' | 'xz' | 'zstd' | 'lz4';

/**
 * The packed ELF kernel inside a bzImage, found by the boot protocol's own fields (kernel.org, "The Linux/x86 Boot
 * Protocol": setup_sects 0x1f1, header 0x202, version 0x206, payload_offset 0x248, payload_length 0x24c).
 * Throws kit_build_failed.
 */
export function kernelPayload(bzImage: Buffer): { readonly packing: Packing; readonly payload: Buffer } {
  if (
    bzImage.length < 0x250 ||
    bzImage.toString('latin1', 0x202, 0x206) !== 'HdrS' ||
    bzImage.readUInt16LE(0x206) < 0x208
  ) {
    throw new VmmError('kit_build_failed', 'The packaged kernel is no bzImage of boot protocol 2.08 or newer.');
  }
  // Zero stands for four, for the oldest boot loaders.
  const setupSectors = bzImage.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c));
  const packing = packingOf(payload);
  // The kernel's build appends the unpacked size to every form but gzip, which ends with it anyway.
  return { packing, payload: packing === 'none' || packing === 'gzip' ? payload : payload.subarray(0, -4) };
}

const magics: readonly (readonly [Packing, string])[] = [
  ['none', '7f454c46'],
  ['gzip', '1f8b08'],
  ['xz', 'fd377a585a00'],
  ['zstd', '28b52ffd'],
  // lz4's legacy frame, the only one the kernel unpacks.
  ['lz4', '02214c18'],
];

function packingOf(payload: Buffer): Packing {
  const head = payload.toString('hex', 0, 6);
  const found = magics.find(([, magic]) => head.startsWith(magic));
  if (found === undefined) {
    throw new VmmError('kit_build_failed', `The packaged kernel is packed in an unknown way (it begins with ${head}).`);
  }
  return found[0];
}

import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { kernelPayload } from './kernel-payload.ts';
import type { PackagedPrograms } from './packaged-programs.ts';

/**
 * Takes the ELF kernel out of the packaged bzImage: it boots without unpacking itself, which under emulation saves a
 * fifth of the boot, and Firecracker takes no other form.
 */
export async function unpackKernel(
  programs: PackagedPrograms,
  vmlinuzPath: string,
  vmlinuxPath: string,
): Promise<void> {
  const { packing, payload } = kernelPayload(await readFile(vmlinuzPath));
  const packedPath = `${vmlinuxPath}.${packing}`;
  switch (packing) {
    case 'none':
      return writeFile(vmlinuxPath, payload);
    case 'gzip':
      return writeFile(vmlinuxPath, gunzipSync(payload));
    case 'zstd':
      return writeFile(vmlinuxPath, zstdDecompressSync(payload));
    case 'xz':
      await writeFile(packedPath, payload);
      // xz writes beside its input, under the name without the ending.
      await programs.run('xz', ['-d', '-f', packedPath]);
      return;
    case 'lz4':
      await writeFile(packedPath, payload);
      await programs.run('lz4', ['-d', '-f', '-q', packedPath, vmlinuxPath]);
      return;
  }
}

import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A descriptor to read `content` from: a file that has no name any more. Node's own pipes are sockets, which a program
 * that opens /dev/stdin anew cannot read (Ubuntu 24.04's nft does: "Not a regular file").
 */
export function stdinFile(content: string | Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'vmm-stdin-'));
  try {
    const path = join(folder, 'stdin');
    writeFileSync(path, content, { mode: 0o600 });
    return openSync(path, 'r');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the archive an initramfs is: cpio in the "newc" form (kernel.org, "initramfs buffer format"). */

export type CpioEntry =
  | { readonly path: string; readonly kind: 'directory' }
  | { readonly path: string; readonly kind: 'file'; readonly content: Uint8Array; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string };

const typeBits = { directory: 0o040000, file: 0o100000, link: 0o120000 } as const;

/** Everything belongs to root and has no date: equal entries make equal bytes. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => member(entry, index + 1));
  return Buffer.concat([...parts, ...record('TRAILER!!!', 0, 0, Buffer.alloc(0))]);
}

function member(entry: CpioEntry, inode: number): Buffer[] {
  switch (entry.kind) {
    case 'directory':
      return record(entry.path, inode, typeBits.directory | 0o755, Buffer.alloc(0));
    case 'file':
      return record(entry.path, inode, typeBits.file | entry.mode, entry.content);
    case 'link':
      return record(entry.path, inode, typeBits.link | 0o777, Buffer.from(entry.target));
  }
}

function record(path: string, inode: number, mode: number, content: Uint8Array): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, major and minor of device and of special file, size of name, checksum.
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), Buffer.from(content), padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}

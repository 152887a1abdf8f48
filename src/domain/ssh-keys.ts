import { VmmError } from '../contract/errors.ts';

/** Algorithm, base64 blob, optional comment, optionally after options (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
const publicKey =
  /^(?:[^\s"]+(?:"[^"]*"[^\s"]*)*\s+)?((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,3})(?: .*)?$/;

/** The public keys of a file's text, comments and blank lines dropped. Throws invalid_ssh_key. */
export function parsePublicKeys(text: string): string[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new VmmError('invalid_ssh_key', 'This is a private key; a VM gets the public one.', {
      hint: 'Give the file that ends in .pub',
    });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const bad = keys.find((key) => !isPublicKey(key));
  if (bad !== undefined || keys.length === 0) {
    throw new VmmError('invalid_ssh_key', 'This is no OpenSSH public key.', {
      hint: 'Make one with ssh-keygen -t ed25519 and give the file that ends in .pub',
    });
  }
  return keys;
}

function isPublicKey(line: string): boolean {
  const match = publicKey.exec(line);
  if (match === null) return false;
  const [, algorithm = '', blob = ''] = match;
  const [name, ...values] = blobFields(Buffer.from(blob, 'base64')) ?? [];
  return name?.toString() === algorithm && values.length > 0;
}

/** A key's blob is a row of fields, each with its length first, the algorithm's name in front (RFC 4253, 6.6). Undefined when it is cut off. */
function blobFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

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
  // The blob begins with its algorithm's name, length first (RFC 4253, 6.6): a truncated or foreign one does not.
  const bytes = Buffer.from(blob, 'base64');
  return bytes.length > 4 && bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString() === algorithm;
}

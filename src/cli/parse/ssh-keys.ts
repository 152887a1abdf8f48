import { readFile, stat } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';

const keyTypes =
  /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;
const maxFileBytes = 1024 * 1024;

function bad(path: string, why: string, hint: string): VmmError {
  return new VmmError('invalid_ssh_key', `${path} ${why}.`, { hint });
}

/** The key type stands in the line and again, length first, in the blob (RFC 4253, section 6.6). */
function isPublicKey(type: string, blob: string): boolean {
  if (!keyTypes.test(type)) return false;
  const bytes = Buffer.from(blob, 'base64');
  const length = bytes.length > 4 ? bytes.readUInt32BE(0) : 0;
  return length === type.length && bytes.subarray(4, 4 + length).toString('latin1') === type;
}

/** Public keys out of the text of a key file; options before a key, as authorized_keys has them, are kept. Throws invalid_ssh_key. */
export function parseSshKeys(text: string, path: string): string[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----|^PuTTY-User-Key-File/m.test(text)) {
    throw bad(path, 'is a private key, which must never leave its owner', `Give the public key: --ssh-key ${path}.pub`);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const makeOne = 'Give an OpenSSH public key, made with: ssh-keygen -t ed25519';
  if (keys.length === 0) throw bad(path, 'holds no key', makeOne);
  for (const [index, key] of keys.entries()) {
    const words = key.split(/\s+/);
    const at = words.findIndex((word) => keyTypes.test(word));
    if (at < 0 || !isPublicKey(words[at] ?? '', words[at + 1] ?? '')) {
      throw bad(path, `is no OpenSSH public key (key ${index + 1} of the file)`, makeOne);
    }
  }
  return keys;
}

/** Reads a key file of the caller. Throws invalid_ssh_key. */
export async function readSshKeys(path: string): Promise<string[]> {
  try {
    if ((await stat(path)).size > maxFileBytes) throw bad(path, 'is too large for a key file', 'Give the .pub file');
    return parseSshKeys(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof VmmError) throw error;
    const reason = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'does not exist' : undefined;
    throw new VmmError('invalid_ssh_key', `${path} ${reason ?? 'cannot be read'}.`, {
      hint: 'List your keys with: ls ~/.ssh/*.pub',
      cause: error,
    });
  }
}

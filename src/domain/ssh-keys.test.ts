import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePublicKeys } from './ssh-keys.ts';

/** A key of that algorithm with 32 zero bytes: the name, length first, then the key, length first (RFC 4253, 6.6). */
function key(algorithm: string, comment = ''): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const blob = Buffer.concat([field(Buffer.from(algorithm)), field(Buffer.alloc(32))]);
  return `${algorithm} ${blob.toString('base64')}${comment === '' ? '' : ` ${comment}`}`;
}

describe('public keys', () => {
  it('are read in every form of OpenSSH, with and without a comment', () => {
    for (const algorithm of [
      'ssh-ed25519',
      'ssh-rsa',
      'ecdsa-sha2-nistp256',
      'sk-ssh-ed25519@openssh.com',
      'sk-ecdsa-sha2-nistp256@openssh.com',
    ]) {
      assert.deepEqual(parsePublicKeys(key(algorithm)), [key(algorithm)]);
      assert.deepEqual(parsePublicKeys(`${key(algorithm, 'me at my laptop')}\n`), [key(algorithm, 'me at my laptop')]);
    }
  });

  it('may stand several in a file, with comments, blank lines and line ends of Windows', () => {
    const [a, b] = [key('ssh-ed25519', 'a'), key('ssh-rsa', 'b')];
    assert.deepEqual(parsePublicKeys(`# mine\r\n${a}\r\n\r\n  ${b}\r\n`), [a, b]);
  });

  it('may have options before them, with quoted blanks', () => {
    const line = `command="echo hello world",no-pty ${key('ssh-ed25519')}`;
    assert.deepEqual(parsePublicKeys(line), [line]);
  });

  it('are not private ones', () => {
    for (const kind of ['OPENSSH', 'RSA', 'EC']) {
      const text = `-----BEGIN ${kind} PRIVATE KEY-----\nAAAA\n-----END ${kind} PRIVATE KEY-----\n`;
      assert.throws(() => parsePublicKeys(text), { code: 'invalid_ssh_key', message: /private/, hint: /\.pub/ });
    }
    assert.throws(() => parsePublicKeys(`-----BEGIN PRIVATE KEY-----\nAAAA\n`), { message: /private/ });
  });

  it('that are cut off, of another algorithm, or none at all are refused', () => {
    const whole = key('ssh-ed25519');
    for (const text of [
      '',
      '# only a comment',
      'hello',
      'ssh-ed25519',
      'ssh-ed25519 AAAA',
      whole.slice(0, 30),
      whole.slice(0, -10),
      whole.replace('ssh-ed25519', 'ssh-rsa'),
      `${key('ssh-rsa')}\nnonsense`,
    ]) {
      assert.throws(() => parsePublicKeys(text), { code: 'invalid_ssh_key', hint: /ssh-keygen/ }, text);
    }
  });
});

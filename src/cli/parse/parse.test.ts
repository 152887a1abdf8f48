import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VmmError } from '../../contract/errors.ts';
import { parseDns, parseGuestAddress } from './address.ts';
import { formatForward, parseForward, parseForwardKey } from './forward.ts';
import { parseMount } from './mount.ts';
import { parseEnv, parseLabels } from './pairs.ts';
import { parseCount, parseSizeMiB } from './size.ts';
import { parseSshKeys } from './ssh-keys.ts';

function failsWith(code: string, work: () => unknown): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof VmmError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.hint !== undefined && error.hint !== '', 'it has a hint');
    return true;
  });
}

describe('sizes', () => {
  for (const [text, mib] of [
    ['2048', 2048],
    ['512M', 512],
    ['2G', 2048],
    ['2gb', 2048],
    ['1.5GiB', 1536],
    ['1T', 1048576],
  ] as const) {
    it(`${text} is ${mib} MiB`, () => assert.equal(parseSizeMiB(text, '--memory'), mib));
  }
  for (const text of ['', '0', '-1', '2X', '1.0001M', 'G', '1e3', '2 000', '99999999999999999999']) {
    it(`"${text}" is no size`, () => failsWith('invalid_input', () => parseSizeMiB(text, '--memory')));
  }
  it('less memory than boots a guest is refused', () =>
    failsWith('invalid_input', () => parseSizeMiB('63', '--memory', 64)));
  for (const text of ['0', '1000', '-1', '1.5', 'two', '']) {
    it(`"${text}" is no number of cpus`, () => failsWith('invalid_input', () => parseCount(text, '--cpus', 1, 256)));
  }
});

describe('addresses', () => {
  it('of DNS servers are of either family', () => {
    assert.deepEqual(parseDns(['9.9.9.9', '2620:fe::fe']), ['9.9.9.9', '2620:fe::fe']);
  });
  for (const text of ['dns.example', '9.9.9', '']) {
    it(`"${text}" is none of a DNS server`, () => failsWith('invalid_input', () => parseDns(['1.1.1.1', text])));
  }
  for (const text of ['172.16.0', 'web1', 'fe80::1', '172.16.0.2/16']) {
    it(`"${text}" is none of a guest`, () => failsWith('invalid_input', () => parseGuestAddress(text)));
  }
});

describe('port forwards', () => {
  it('takes host and guest port', () => {
    assert.deepEqual(parseForward('8080:80'), { protocol: 'tcp', bind: '0.0.0.0', hostPort: 8080, guestPort: 80 });
  });
  it('takes an address and a protocol', () => {
    const expected = { protocol: 'udp', bind: '127.0.0.1', hostPort: 5353, guestPort: 53 };
    assert.deepEqual(parseForward('127.0.0.1:5353:53/udp'), expected);
  });
  for (const text of [
    '80',
    '8080:',
    ':80',
    '0:80',
    '80:65536',
    '80:80/sctp',
    '300.1.1.1:80:80',
    'a:b',
    '80:80:80',
    '',
  ]) {
    it(`"${text}" is none`, () => failsWith('invalid_input', () => parseForward(text)));
  }
  it('is shown as it was given', () => {
    assert.equal(formatForward(parseForward('8080:80')), '8080->80');
    assert.equal(formatForward(parseForward('127.0.0.1:53:53/udp')), '127.0.0.1:53->53/udp');
  });
  it('is removed by its host port, with all that was typed to add it or less', () => {
    assert.deepEqual(parseForwardKey('8080'), { protocol: 'tcp', hostPort: 8080 });
    assert.deepEqual(parseForwardKey('8080:80'), { protocol: 'tcp', hostPort: 8080 });
    assert.deepEqual(parseForwardKey('127.0.0.1:53/udp'), { protocol: 'udp', hostPort: 53, bind: '127.0.0.1' });
  });
});

describe('mounts', () => {
  const code = { source: '/home/user/code', tag: 'code', kind: 'copy' };
  it('is read-write when nothing is said', () => {
    assert.deepEqual(parseMount('/home/user/code:code'), { ...code, mode: 'rw' });
  });
  it('is read-only with :ro', () => {
    assert.deepEqual(parseMount('/home/user/code:code:ro'), { ...code, mode: 'ro' });
  });
  it('can be live', () => {
    assert.deepEqual(parseMount('/home/user/code/:code:ro,live'), { ...code, mode: 'ro', kind: 'live' });
  });
  it('may have colons in the path', () => {
    assert.equal(parseMount('/srv/a:b:tag:ro').source, '/srv/a:b');
  });
  it('may be the tag ro itself', () => {
    assert.deepEqual(parseMount('/srv:ro'), { source: '/srv', tag: 'ro', mode: 'rw', kind: 'copy' });
  });
  for (const text of [
    'code',
    '/code',
    ':code',
    'rel/path:code',
    './x:code:ro',
    '/x:ta g',
    '/x:',
    '/x:a/b',
    '/x:t:ro,rw',
  ]) {
    it(`"${text}" is none`, () => failsWith('invalid_mount', () => parseMount(text)));
  }
  it('has a tag of at most 36 characters', () => {
    failsWith('invalid_mount', () => parseMount(`/x:${'t'.repeat(37)}`));
  });
});

describe('labels and environment', () => {
  it('splits a label at its first =', () => {
    assert.deepEqual(parseLabels(['a=b=c', 'd=']), { a: 'b=c', d: '' });
  });
  it('refuses a label without a value', () => failsWith('invalid_input', () => parseLabels(['alone'])));
  it('takes values, hands on those of the caller, and leaves out what he has not', () => {
    assert.deepEqual(parseEnv(['A=1', 'B', 'C', 'D='], { B: 'two' }), { A: '1', B: 'two', D: '' });
  });
  it('refuses a name that no shell would take', () => failsWith('invalid_input', () => parseEnv(['a b=1'], {})));
});

describe('ssh keys', () => {
  const blob = 'AAAAC3NzaC1lZDI1NTE5AAAAIJqZqVn0o4dCwz7rQ7J9G0m4mB6v3kq7pUj1o2sD8w6T';
  const key = `ssh-ed25519 ${blob} me@host`;

  it('takes several keys of a file and passes over comments', () => {
    assert.deepEqual(parseSshKeys(`# mine\n${key}\n\n${key} two\n`, 'k.pub'), [key, `${key} two`]);
  });
  it('keeps options before a key', () => {
    assert.deepEqual(parseSshKeys(`no-pty ${key}`, 'k.pub'), [`no-pty ${key}`]);
  });
  it('refuses a private key and points to the public one', () => {
    const text = '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n';
    assert.throws(
      () => parseSshKeys(text, '/home/me/.ssh/id_ed25519'),
      (error: unknown) => {
        assert.ok(error instanceof VmmError);
        assert.equal(error.code, 'invalid_ssh_key');
        assert.match(error.hint ?? '', /id_ed25519\.pub/);
        assert.doesNotMatch(error.message, /c2VjcmV0/);
        return true;
      },
    );
  });
  for (const text of ['', '# none', 'hello', `ssh-rsa ${blob}`, 'ssh-ed25519 !!!', 'ssh-ed25519', 'root:x:0:0']) {
    it(`"${text.slice(0, 20)}" holds no public key`, () =>
      failsWith('invalid_ssh_key', () => parseSshKeys(text, 'k.pub')));
  }
});

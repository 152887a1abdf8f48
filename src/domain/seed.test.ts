import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { defaultDns, seedContents } from './seed.ts';

type Input = Parameters<typeof seedContents>[0];

function seed(change: Partial<Input> = {}): (path: string) => string {
  const files = seedContents({
    name: 'web1',
    machineId: '0'.repeat(32),
    hostPrivateKey: 'private\n',
    hostPublicKey: 'public\n',
    authorizedKeys: ['ssh-ed25519 AAAA a', 'ssh-rsa BBBB b'],
    dns: [],
    network: { address: '172.16.0.2', prefix: 16, gateway: '172.16.0.1', mac: '02:00:00:00:00:02', mtu: 1450 },
    mounts: [],
    image: image({}),
    ...change,
  });
  assert.equal(new Set(files.map(({ path }) => path)).size, files.length);
  return (path) => {
    const file = files.find((other) => other.path === path);
    if (file === undefined) throw new Error(`The seed has no ${path}.`);
    return file.content;
  };
}

function image(change: Partial<Input['image']>): Input['image'] {
  return { entrypoint: [], cmd: [], env: [], user: 'root', workdir: '/', hasSshd: false, hasAgent: false, ...change };
}

/** What a POSIX shell makes of a file of assignments. */
function evaluate(assignments: string, name: string): string {
  return execFileSync('sh', ['-c', `${assignments}\nprintf '%s|' "$${name}"`], { encoding: 'utf8' }).slice(0, -1);
}

describe('the seed', () => {
  it('names the guest, its address, its servers and its keys', () => {
    const content = seed();
    assert.equal(content('hostname'), 'web1\n');
    assert.match(content('hosts'), /^172\.16\.0\.2 web1$/m);
    assert.equal(content('resolv.conf'), defaultDns.map((server) => `nameserver ${server}\n`).join(''));
    assert.equal(content('authorized_keys'), 'ssh-ed25519 AAAA a\nssh-rsa BBBB b\n');
    assert.equal(evaluate(content('network'), 'ADDRESS'), '172.16.0.2/16');
    assert.equal(evaluate(content('network'), 'MTU'), '1450');
  });

  it('has the DNS servers that were asked for, and then no others', () => {
    assert.equal(
      seed({ dns: ['9.9.9.9', '2620:fe::fe'] })('resolv.conf'),
      'nameserver 9.9.9.9\nnameserver 2620:fe::fe\n',
    );
  });

  it('hides the host’s private key from all but root', () => {
    const files = seedContents({
      name: 'a',
      machineId: '',
      hostPrivateKey: 'secret',
      hostPublicKey: '',
      authorizedKeys: [],
      dns: [],
      network: { address: '', prefix: 16, gateway: '', mac: '', mtu: 1500 },
      mounts: [],
      image: image({}),
    });
    assert.deepEqual(
      files.filter(({ content }) => content === 'secret').map(({ mode }) => mode),
      [0o600],
    );
  });

  it('says of each mount its mode, kind and device', () => {
    const mount = (tag: string, mode: 'ro' | 'rw', kind: 'copy' | 'live') => ({ source: `/${tag}`, tag, mode, kind });
    const content = seed({ mounts: [mount('a', 'ro', 'copy'), mount('b', 'rw', 'live'), mount('c', 'rw', 'copy')] });
    assert.equal(content('mounts'), 'a ro copy vdb\nb rw live -\nc rw copy vdc\n');
  });

  it('keeps values of the image from being read as shell', () => {
    for (const workdir of ["/it's", '/a\nINIT=/bin/evil', '/$(reboot)`reboot`', '/back\\slash', '/"quoted"', ' ']) {
      const content = seed({ image: image({ workdir, user: "o'neil" }) })('config');
      assert.equal(evaluate(content, 'WORKDIR'), workdir);
      assert.equal(evaluate(content, 'RUN_AS'), "o'neil");
      assert.equal(evaluate(content, 'INIT'), '');
    }
  });

  it('gives arguments and environment as they are, one a file, with quotes and newlines', () => {
    const argument = `two\nlines 'and' "quotes"`;
    const content = seed({
      image: image({ entrypoint: ['/bin/sh', '-c'], cmd: [argument, ''], env: ['A=1', 'B=x\ny', "C='"] }),
    });
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => content(`argv/${index}`)),
      ['/bin/sh', '-c', argument, ''],
    );
    assert.deepEqual(
      [0, 1, 2].map((index) => content(`env/${index}`)),
      ['A=1', 'B=x\ny', "C='"],
    );
  });

  it('tells which services the image starts by itself', () => {
    const own = seed({ image: image({ init: '/sbin/init', hasSshd: true, hasAgent: true }) })('config');
    assert.deepEqual(
      ['INIT', 'SSHD', 'AGENT'].map((name) => evaluate(own, name)),
      ['/sbin/init', '1', '1'],
    );
    const plain = seed()('config');
    assert.deepEqual(
      ['INIT', 'SSHD', 'AGENT'].map((name) => evaluate(plain, name)),
      ['', '', ''],
    );
  });
});

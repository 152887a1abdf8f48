import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { remoteCommand, shellQuote } from './quote.ts';
import { type SshPlan, sshArgs } from './ssh-args.ts';

const plan: SshPlan = {
  access: { host: '172.16.0.2', port: 22, user: 'root', privateKey: 'k', knownHosts: 'web1 ssh-ed25519 AAAA\n' },
  files: { identity: '/tmp/x/identity', knownHosts: '/tmp/x/known_hosts', log: '/tmp/x/log' },
  ownKeys: ['/home/me/.ssh/id_ed25519'],
  tty: 'auto',
  interactive: true,
  rest: ['--', 'uname'],
};

describe('the arguments of ssh', () => {
  const args = sshArgs(plan);
  const has = (option: string, all = args) => all.includes(option);

  it('check the host key that vmm gave the guest, under the name it has there', () => {
    assert.ok(has('StrictHostKeyChecking=yes') && has('HostKeyAlias=web1'));
    assert.ok(has('UserKnownHostsFile=/tmp/x/known_hosts') && has('GlobalKnownHostsFile=/dev/null'));
  });
  it("offer vmm's key first and the caller's own after it", () => {
    const keys = args.flatMap((arg, index) => (args[index - 1] === '-i' ? [arg] : []));
    assert.deepEqual(keys, ['/tmp/x/identity', '/home/me/.ssh/id_ed25519']);
  });
  it('forward no agent', () => assert.ok(has('ForwardAgent=no')));
  it('never ask for a password when nobody can type one', () => {
    assert.ok(has('BatchMode=yes', sshArgs({ ...plan, interactive: false })));
  });
  it('let another user bring keys of an agent', () => {
    const other = sshArgs({ ...plan, user: 'me' });
    assert.deepEqual([has('IdentitiesOnly=no', other), other[other.indexOf('-l') + 1]], [true, 'me']);
  });
  it('end with the address and what was given after it', () => {
    assert.deepEqual(args.slice(-3), ['172.16.0.2', '--', 'uname']);
  });
});

describe('commands for the shell of the guest', () => {
  const shell = (line: string) => execFileSync('sh', ['-c', line], { encoding: 'utf8' });

  for (const argument of [
    'plain',
    'two words',
    "it's",
    '$HOME `id` "x"',
    '',
    'a\nb',
    '*',
    '-n',
    '\\',
    '~',
    '!x;y&z|',
  ]) {
    it(`hand ${JSON.stringify(argument)} on as it is`, () => {
      assert.equal(shell(`printf %s ${shellQuote(argument)}`), argument);
    });
  }
  it('set variables and the directory', () => {
    const line = remoteCommand({ args: ['sh', '-c', 'echo "$A" "$PWD"'], env: { A: "b 'c'" }, workdir: '/' });
    assert.equal(shell(line), "b 'c' /\n");
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { Vm } from '../../contract/resources/vm.ts';
import { aliasIn, reachOf } from './find-access.ts';
import { remoteCommand, shellQuote } from './quote.ts';
import { type SshPlan, sshArgs } from './ssh-args.ts';

const plan: SshPlan = {
  reach: {
    host: '172.16.0.2',
    port: 22,
    user: 'root',
    hostKeyAlias: 'web1',
    given: { privateKey: 'k', knownHosts: 'web1 ssh-ed25519 AAAA\n' },
    learntHosts: '/home/me/.config/vmm/known_hosts',
  },
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
  it("use the caller's keys alone, and learn the host key, where the daemon may not be asked", () => {
    const reach = { ...plan.reach, given: undefined, hostKeyAlias: 'vmm-a1' };
    const files = { ...plan.files, identity: undefined, knownHosts: reach.learntHosts };
    const own = sshArgs({ ...plan, reach, files });
    assert.ok(has('StrictHostKeyChecking=accept-new', own) && has('HostKeyAlias=vmm-a1', own));
    assert.deepEqual([has('IdentitiesOnly=no', own), has('/tmp/x/identity', own)], [true, false]);
  });
  it('end with the address and what was given after it', () => {
    assert.deepEqual(args.slice(-3), ['172.16.0.2', '--', 'uname']);
  });
});

describe('a guest whose daemon may not be asked', () => {
  const vm = { id: 'a1', status: { phase: 'running', ready: true, ip: '172.16.0.9' } } as const;
  const reach = (status: object) => reachOf({ ...vm, status: { ...vm.status, ...status } } as unknown as Vm, '/hosts'); // Only id and status are looked at.;
  it('is reached at the address of the status file', () => {
    assert.deepEqual([reach({})?.host, reach({})?.hostKeyAlias], ['172.16.0.9', 'vmm-a1']);
  });
  it('is not reached when it does not run', () => assert.equal(reach({ phase: 'stopped' }), undefined));
  it('has the host key under the name that the daemon wrote', () => {
    assert.equal(aliasIn('web1,172.16.0.2 ssh-ed25519 AAAA'), 'web1');
    assert.equal(aliasIn(''), undefined);
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependencyNames, packageFiles, resolvePackages } from './apt.ts';

const depends: Readonly<Record<string, string>> = {
  'qemu-guest-agent':
    'qemu-guest-agent\n  PreDepends: init-system-helpers\n  Depends: libc6\n |Depends: libglib2.0-0\n  Depends: <virtual>\n    libother\n',
  'libc6 libglib2.0-0': 'libc6\n  Depends: libgcc-s1\nlibglib2.0-0\n  Depends: libc6\n',
  'libgcc-s1': 'libgcc-s1\n  Depends: libc6\n',
};

test('dependencies are read from apt, virtual packages left out', () => {
  assert.deepEqual(dependencyNames(depends['qemu-guest-agent'] ?? ''), [
    'init-system-helpers',
    'libc6',
    'libglib2.0-0',
  ]);
});

test('only the wanted dependencies are followed, to the end', async () => {
  const unused = () => {
    throw new Error('not called');
  };
  const runner = {
    run: async ({ args }: { readonly args: readonly string[] }) => {
      const names = args.slice(args.indexOf('--no-enhances') + 1).join(' ');
      return { exitCode: 0, stdout: depends[names] ?? '', stderr: '' };
    },
    stream: unused,
    startDetached: unused,
    which: unused,
  };
  const apt = { runner, signal: new AbortController().signal, options: [] };
  assert.deepEqual(await resolvePackages(apt, ['qemu-guest-agent'], /^lib/), [
    'libc6',
    'libgcc-s1',
    'libglib2.0-0',
    'qemu-guest-agent',
  ]);
});

test('package files come with the hash of the signed list, epochs and all', () => {
  const line =
    "'http://deb.debian.org/debian/pool/main/q/qemu/qemu-guest-agent_7.2.deb' qemu-guest-agent_1%3a7.2+dfsg_amd64.deb 346272 SHA256:ffdc78";
  assert.deepEqual(packageFiles(`${line}\nnoise\n`), [
    { name: 'qemu-guest-agent', file: 'qemu-guest-agent_1%3a7.2+dfsg_amd64.deb', hash: 'SHA256:ffdc78' },
  ]);
});

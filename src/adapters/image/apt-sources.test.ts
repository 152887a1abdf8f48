import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distributionSources, releaseOf } from './apt-sources.ts';

const bookworm = { id: 'debian', codename: 'bookworm' };

test('the release is read from os-release, relatives follow their parent', () => {
  assert.deepEqual(releaseOf('ID=debian\nVERSION_CODENAME=bookworm\n'), bookworm);
  assert.deepEqual(
    releaseOf('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n'),
    {
      id: 'ubuntu',
      codename: 'noble',
    },
  );
  assert.equal(releaseOf('ID=fedora\n'), undefined);
});

test('the host’s own sources are kept with their key, other vendors’ are not', () => {
  const text = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://vendor.example/apt
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/vendor.gpg
`;
  assert.equal(
    distributionSources(bookworm, [{ name: 'debian.sources', text }]),
    `Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  );
});

test('one-line sources are understood, disabled ones and other components left out', () => {
  const text = `deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.example/debian bookworm main
# deb http://old.example/debian bookworm main
deb https://vendor.example/linux bookworm stable
deb-src http://deb.example/debian bookworm main
`;
  const result = distributionSources(bookworm, [{ name: 'sources.list', text }]);
  assert.match(result, /URIs: http:\/\/deb\.example\/debian\nSuites: bookworm\nComponents: main\nSigned-By/);
  assert.equal(result.split('Types:').length, 2);
});

test('a host without sources of its own gets the public archive', () => {
  assert.match(distributionSources(bookworm, []), /deb\.debian\.org\/debian-security/);
  assert.match(distributionSources({ id: 'ubuntu', codename: 'noble' }, []), /Suites: noble-security/);
});

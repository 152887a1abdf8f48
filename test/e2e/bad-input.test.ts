/** What people get wrong, each with its own error, and nothing left of the attempt. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestHost } from '../support/test-host.ts';

describe('bad input', () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.open({ images: ['tiny'] });
  });
  after(() => host?.[Symbol.asyncDispose]());
  const refused = (code: string, ...args: string[]) => host.vmmFails(['create', ...args, '--image', 'tiny'], code);

  for (const name of ['a/b', '..', 'dot.ted', 'grün', 'x'.repeat(65), 'trailing-', 'two words']) {
    it(`the name ${JSON.stringify(name.slice(0, 12))} is refused`, async () => {
      await refused('invalid_name', name);
    });
  }

  it('a private key as --ssh-key is refused, and not shown', async () => {
    const key = (await host.sshKey()).replace(/\.pub$/, '');
    const { stdout, stderr } = await refused('invalid_ssh_key', 'web', '--ssh-key', key);
    assert.doesNotMatch(stdout + stderr, /BEGIN OPENSSH|b3BlbnNzaC1/);
  });

  it('mount paths must be absolute, there, readable as a directory, and apart', async () => {
    const [folder, file] = [join(host.home, 'folder'), join(host.home, 'file')];
    await mkdir(join(folder, 'inner'), { recursive: true });
    await writeFile(file, '');
    await refused('invalid_mount', 'web', '--mount', 'relative/path:tag');
    await refused('invalid_mount', 'web', '--mount', `${host.home}/missing:tag`);
    await refused('invalid_mount', 'web', '--mount', `${file}:tag`);
    await refused('invalid_mount', 'web', '--mount', `${folder}:a`, '--mount', `${file}/../folder/inner:a`);
    await refused('invalid_mount', 'web', '--mount', `${folder}:ta/g`);
  });

  it('cpus and memory must be what a guest can have', async () => {
    await refused('invalid_input', 'web', '--cpus', '0');
    await refused('invalid_input', 'web', '--cpus', '1000');
    await refused('too_few_resources', 'web', '--memory', '16000000');
  });

  it('an unknown image, VM or forward is not found', async () => {
    await host.vmmFails(['create', 'web', '--image', 'nonesuch'], 'image_not_found');
    await host.vmmFails(['start', 'nonesuch'], 'vm_not_found');
    await host.vmmFails(['ssh', 'nonesuch'], 'vm_not_found');
  });

  it('a second VM of the same name is refused and leaves the first alone', async () => {
    await host.vmm(['create', 'web', '--image', 'tiny', '--cpus', '1']);
    await refused('vm_exists', 'web');
    assert.match((await host.vmm(['list'])).stdout, /web .*stopped/);
    await host.vmm(['delete', 'web']);
  });

  it('all of it left nothing behind', async () => {
    assert.doesNotMatch((await host.vmm(['list'])).stdout, /web/);
    await host.assertEmpty();
  });
});

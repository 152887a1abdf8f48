import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { testEngine } from '../../../test/support/test-engine.ts';
import { attachConsole, readLogs } from './console.ts';
import { sshAccess } from './ssh-access.ts';

const { signal } = new AbortController();

describe('reaching a guest', () => {
  it('by ssh needs vmm’s own key, which the guest was given, and the host key that vmm gave it', async () => {
    const { world, context, create, start, idOf } = await testEngine();
    await create('web1');
    await assert.rejects(async () => sshAccess(context, 'web1'), { code: 'illegal_state', hint: 'vmm start web1' });
    const { vm } = await start('web1');
    const access = sshAccess(context, 'web1');
    const [algorithm, blob] = (context.store.findVm('web1')?.hostPublicKey ?? '').split(' ');
    assert.equal(access.host, vm.status.ip);
    assert.equal(access.knownHosts, `${vm.status.ip} ${algorithm} ${blob}\n`);
    assert.equal(access.privateKey, context.store.getSetting('ssh-key.private'));
    const seed = world.volumes.seeds.get(world.paths.vmSeed(idOf('web1'))) ?? [];
    const authorized = String(seed.find(({ path }) => path === 'authorized_keys')?.content);
    assert.ok(authorized.includes(context.store.getSetting('ssh-key.public')?.trim() ?? 'no key'));
  });

  it('of every VM is by the same key, also when the first two start at once', async () => {
    const { context, create, start } = await testEngine();
    await create('a');
    await create('b');
    await Promise.all([start('a'), start('b')]);
    assert.equal(sshAccess(context, 'a').privateKey, sshAccess(context, 'b').privateKey);
  });

  it('by its console needs it running; its log is there afterwards', async () => {
    const { context, create, start, stop } = await testEngine();
    await create('web1');
    await assert.rejects(attachConsole(context, 'web1'), { code: 'illegal_state' });
    await start('web1');
    const line = await attachConsole(context, 'web1');
    line.write('hello');
    await stop('web1');
    assert.equal(await text(line), 'hello');
    const log = await readLogs(context, 'web1', { follow: false, tailLines: 1 }, signal);
    assert.equal(await text(log), 'vmm: starting\n');
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientOf, connections, serve, useServer, work } from '../../../test/support/test-api.ts';
import { fakeVm } from '../fake-composition.ts';

describe('the server and its clients', () => {
  useServer();

  test('a client of another version is refused work, but may look at the daemon and stop it', async () => {
    await serve({ 'vm.list': async () => [] });
    const other = clientOf('2');
    await assert.rejects(other.call('vm.list', {}), { code: 'daemon_version' });
    await assert.rejects(other.duplex('vm.console', { params: { name: 'a' } }), { code: 'daemon_version' });
    assert.equal((await other.call('daemon.status', {})).version, '1');
    await other.call('daemon.stop', {});
  });

  test('a stopping daemon takes nothing new, but cancels', async () => {
    const client = await serve({
      'vm.start': async (_, { signal }) => {
        await once(signal, 'abort');
        return signal.throwIfAborted() as never;
      },
    });
    const controller = new AbortController();
    const started = client.progress('vm.start', { params: { name: 'a' } }, { signal: controller.signal });
    while (work.count() === 0) await sleep(5);
    work.refuse();
    await assert.rejects(client.call('vm.list', {}), { code: 'daemon_busy' });
    await assert.rejects(client.call('daemon.status', {}), { code: 'daemon_busy' });
    controller.abort();
    await assert.rejects(started, { code: 'aborted' });
  });

  test('one connection serves call after call', async () => {
    const client = await serve({
      'vm.list': async () => [],
      'vm.start': async () => ({ vm: fakeVm('a'), notices: [] }),
    });
    for (let round = 0; round < 3; round += 1) {
      await client.call('vm.list', {});
      await client.progress('vm.start', { params: { name: 'a' } });
    }
    assert.equal(connections, 1);
  });
});

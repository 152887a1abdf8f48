import assert from 'node:assert/strict';
import { PassThrough, Readable, Transform } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, serve, useServer } from '../../../test/support/test-api.ts';
import { VmmError } from '../../contract/errors.ts';

describe('streams', () => {
  useServer();

  test('bytes stream through, and an error before the first is an ordinary refusal', async () => {
    const client = await serve({
      'vm.logs': async ({ params }) => {
        if (params.name === 'gone') throw new VmmError('vm_not_found', 'There is no VM gone.');
        return Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]);
      },
    });
    const stream = await client.bytes('vm.logs', { params: { name: 'a' } });
    assert.equal(Buffer.concat(await stream.toArray()).toString(), 'one\ntwo\n');
    await assert.rejects(client.bytes('vm.logs', { params: { name: 'gone' } }), { code: 'vm_not_found' });
  });

  test('an error in the middle of a byte stream reaches the reader with its code', async () => {
    const client = await serve({
      'mount.pull': async () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('half');
            throw new VmmError('guest_timeout', 'The reader did not answer – ever.');
          })(),
        ),
    });
    const stream = await client.bytes('mount.pull', { params: { name: 'a', tag: 't' } });
    await assert.rejects(stream.toArray(), { code: 'guest_timeout', message: 'The reader did not answer – ever.' });
  });

  test('a byte stream is destroyed when its reader goes, and paused while it does not read', async () => {
    const destroyed = Promise.withResolvers<void>();
    let produced = 0;
    const client = await serve({
      'vm.logs': async (_, { signal }) => {
        signal.addEventListener('abort', () => destroyed.resolve());
        return new Readable({
          read() {
            produced += 65_536;
            this.push(Buffer.alloc(65_536));
          },
        });
      },
    });
    const stream = await client.bytes('vm.logs', { params: { name: 'a' }, query: { follow: true } });
    await sleep(100);
    assert.ok(produced < 16 * 1024 * 1024, `${produced} bytes were produced for nobody`);
    stream.destroy();
    await destroyed.promise;
  });

  test('a duplex carries bytes both ways, and its ends are passed on', async () => {
    const client = await serve({
      'vm.console': async () => {
        return new Transform({ transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()) });
      },
    });
    const stream = await client.duplex('vm.console', { params: { name: 'a' } });
    stream.write('hello ');
    stream.end('world');
    assert.equal(Buffer.concat(await stream.toArray()).toString(), 'HELLO WORLD');
  });

  test('the far side of a duplex is destroyed when its client goes', async () => {
    const gone = Promise.withResolvers<void>();
    const client = await serve({
      'vm.console': async () => {
        const stream = new PassThrough();
        stream.on('close', () => gone.resolve());
        return stream;
      },
    });
    const stream = await client.duplex('vm.console', { params: { name: 'a' } });
    stream.destroy();
    await gone.promise;
  });

  test('a refused upgrade tells why', async () => {
    const client = await serve({
      'vm.console': async () => {
        throw new VmmError('illegal_state', 'web1 is stopped.', { hint: 'vmm start web1' });
      },
    });
    await assert.rejects(client.duplex('vm.console', { params: { name: 'web1' } }), { code: 'illegal_state' });
    await assert.rejects(client.duplex('vm.console', { params: { name: '../x' } }), { code: 'invalid_name' });
  });

  test('an upgrade that is not ours is passed over', async () => {
    await serve({ 'vm.list': async () => [] });
    const answer = await send('GET', '/v1/vms', undefined, { connection: 'Upgrade', upgrade: 'h2c' });
    assert.deepEqual([answer.status, answer.text], [200, '[]']);
  });
});

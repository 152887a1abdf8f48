import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, serve, socketPath, useServer, work } from '../../../test/support/test-api.ts';
import { VmmError } from '../../contract/errors.ts';
import type { Frame } from '../../contract/stream.ts';
import { fakeVm } from '../fake-composition.ts';

describe('long work', () => {
  useServer();

  test('progress, notices and the result come in order, the operation first', async () => {
    await serve({
      'image.pull': async (_, { onProgress, onNotice }) => {
        onProgress({ step: 'fetch', message: 'fetching', current: 1, total: 2, unit: 'bytes' });
        onNotice('mind the gap');
        onProgress({ step: 'unpack', message: 'unpacking' });
        throw new VmmError('disk_full', 'The disk is full.');
      },
    });
    const { status, type, text } = await send('POST', '/v1/images/pull', '{}');
    assert.deepEqual([status, type], [200, 'application/x-ndjson']);
    const frames = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Frame);
    assert.deepEqual(
      frames.map((frame) => (frame.type === 'progress' ? frame.step : frame.type)),
      ['operation', 'fetch', 'notice', 'unpack', 'error'],
    );
  });

  test('a step that reports often is thinned out, and its last word is kept', async () => {
    const client = await serve({
      'image.pull': async (_, { onProgress }) => {
        for (let current = 0; current <= 1000; current += 1)
          onProgress({ step: 'fetch', message: 'fetching', current });
        throw new VmmError('aborted', 'enough');
      },
    });
    const seen: number[] = [];
    await assert.rejects(
      client.progress('image.pull', { input: {} }, { onProgress: ({ current }) => seen.push(current ?? -1) }),
    );
    assert.ok(seen.length < 10, `${seen.length} frames`);
    assert.equal(seen.at(-1), 1000);
  });

  test('an abort of the caller cancels the work and waits for the undo', async () => {
    const undone = Promise.withResolvers<void>();
    let hasUndone = false;
    const client = await serve({
      'vm.start': async (_, { signal, onProgress }) => {
        onProgress({ step: 'boot', message: 'booting' });
        await once(signal, 'abort');
        await undone.promise;
        hasUndone = true;
        throw new VmmError('aborted', 'nft was cancelled.');
      },
    });
    const controller = new AbortController();
    const started = client.progress(
      'vm.start',
      { params: { name: 'a' } },
      { signal: controller.signal, onProgress: () => controller.abort() },
    );
    setTimeout(() => undone.resolve(), 50);
    await assert.rejects(started, { code: 'aborted', message: 'Cancelled.' });
    assert.equal(hasUndone, true);
    assert.equal(work.count(), 0);
  });

  test('work goes on when its client disconnects', async () => {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<boolean>();
    await serve({
      'vm.start': async (_, { signal, onProgress }) => {
        begun.resolve();
        await release.promise;
        onProgress({ step: 'late', message: 'to nobody' });
        ended.resolve(signal.aborted);
        return { vm: fakeVm('a'), notices: [] };
      },
    });
    const outgoing = httpRequest({ socketPath, method: 'POST', path: '/v1/vms/a/start' });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await begun.promise;
    outgoing.destroy();
    await sleep(20);
    assert.equal(work.count(), 1);
    release.resolve();
    assert.equal(await ended.promise, false);
    await sleep(5);
    assert.equal(work.count(), 0);
  });

  test('a change goes on when its client disconnects, a wait is given up', async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<boolean>();
    const waitAborted = Promise.withResolvers<void>();
    await serve({
      'vm.delete': async (_, { signal }) => {
        begun.resolve();
        await sleep(30);
        ended.resolve(signal.aborted);
        return { notices: [] };
      },
      'vm.wait': async (_, { signal }) => {
        begun.resolve();
        await once(signal, 'abort');
        waitAborted.resolve();
        return fakeVm('a');
      },
    });
    for (const [method, path] of [
      ['DELETE', '/v1/vms/a'],
      ['GET', '/v1/vms/a/wait'],
    ]) {
      const outgoing = httpRequest({ socketPath, method, path });
      outgoing.on('error', () => undefined);
      outgoing.end();
      await begun.promise;
      await sleep(10);
      outgoing.destroy();
    }
    assert.equal(await ended.promise, false);
    await waitAborted.promise;
  });

  test('a client that does not read neither stops the work nor fills the memory', async () => {
    const ended = Promise.withResolvers<void>();
    await serve({
      'image.pull': async (_, { onProgress, onNotice }) => {
        for (let index = 0; index < 20_000; index += 1) {
          onProgress({ step: `step-${index}`, message: 'x'.repeat(500) });
          onNotice(`notice ${index} ${'y'.repeat(500)}`);
          if (index % 1000 === 0) await sleep(1);
        }
        ended.resolve();
        throw new VmmError('aborted', 'the end');
      },
    });
    const socket = connect(socketPath);
    socket.pause();
    socket.write('POST /v1/images/pull HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await ended.promise;
    await sleep(10);
    assert.equal(work.count(), 0);
    let size = 0;
    let tail = '';
    for await (const chunk of socket) {
      size += chunk.length;
      tail = (tail + chunk).slice(-2000);
    }
    assert.ok(size < 2 * 1024 * 1024, `${size} bytes were kept`);
    assert.match(tail, /"type":"error".*the end/);
  });

  test('cancelling what does not run is refused', async () => {
    const client = await serve({});
    await assert.rejects(client.call('operation.cancel', { params: { id: 'abc-123' } }), {
      code: 'operation_not_found',
    });
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { logged, refusal, send, serve, socketPath, useServer } from '../../../test/support/test-api.ts';
import { VmmError } from '../../contract/errors.ts';
import { fakeVm } from '../fake-composition.ts';

describe('requests and refusals', () => {
  useServer();

  test('a plain operation answers what its handler returns', async () => {
    const client = await serve({ 'vm.list': async () => [fakeVm('web1')] });
    assert.deepEqual(await client.call('vm.list', {}), [fakeVm('web1')]);
  });

  test('a handler receives params, query and input with defaults applied', async () => {
    const seen: unknown[] = [];
    const client = await serve({
      'vm.delete': async (request) => {
        seen.push(request);
        return { notices: [] };
      },
      'vm.start': async ({ input }) => {
        seen.push(input);
        return { vm: fakeVm('web1'), notices: [] };
      },
    });
    await client.call('vm.delete', { params: { name: 'web1' }, query: { force: true } });
    await client.progress('vm.start', { params: { name: 'web1' } });
    assert.deepEqual(seen, [
      { params: { name: 'web1' }, query: { force: true }, input: undefined },
      { wait: true, timeoutSeconds: 180 },
    ]);
  });

  test('an error of the catalogue keeps code, message, hint and detail on its way to the client', async () => {
    const client = await serve({
      'vm.inspect': async () => {
        throw new VmmError('vm_not_found', 'There is no VM web1.', { hint: 'vmm list', detail: 'evidence' });
      },
    });
    const thrown = await client.call('vm.inspect', { params: { name: 'web1' } }).catch((error: unknown) => error);
    assert.ok(thrown instanceof VmmError);
    assert.deepEqual(
      [thrown.code, thrown.message, thrown.hint, thrown.detail],
      ['vm_not_found', 'There is no VM web1.', 'vmm list', 'evidence'],
    );
  });

  test('an unknown fault is logged with its stack and answered without it', async () => {
    await serve({
      'vm.list': async () => {
        throw new TypeError('x is not a function');
      },
    });
    const problem = refusal(await send('GET', '/v1/vms'));
    assert.equal(problem.code, 'internal');
    assert.equal(problem.status, 500);
    assert.doesNotMatch(JSON.stringify(problem), /requests\.test\.ts/);
    assert.match(logged.join(''), /requests\.test\.ts/);
  });

  test('malformed requests are refused before any handler runs', async () => {
    let called = 0;
    const count = async () => {
      called += 1;
      return { vm: fakeVm('a'), notices: [] };
    };
    await serve({ 'vm.create': count, 'vm.start': count, 'vm.set': count });
    const cases: [string, string, string | undefined, number, string][] = [
      ['POST', '/v1/vms', '{"name":"a"', 400, 'invalid_input'],
      ['POST', '/v1/vms', '[]', 400, 'invalid_input'],
      ['POST', '/v1/vms', undefined, 400, 'invalid_name'],
      ['POST', '/v1/vms', '{"name":"../etc"}', 400, 'invalid_name'],
      ['POST', '/v1/vms', '{"name":"a","cpus":0}', 400, 'invalid_input'],
      ['POST', '/v1/vms', '{"name":"a","cpu":2}', 400, 'invalid_input'],
      ['POST', '/v1/vms', '{"name":"a","mounts":[{"source":"x","tag":"t"}]}', 400, 'invalid_mount'],
      ['POST', '/v1/vms', '{"name":"a","__proto__":{"x":1}}', 400, 'invalid_input'],
      ['POST', '/v1/vms?dry=true', '{"name":"a"}', 400, 'invalid_input'],
      ['POST', '/v1/vms/a%2Fb/start', '{}', 400, 'invalid_name'],
      ['POST', '/v1/vms/..%2f..%2fx/start', '{}', 400, 'invalid_name'],
      ['POST', '/v1/vms/%00/start', '{}', 400, 'invalid_name'],
      ['POST', `/v1/vms/${'a'.repeat(64)}/start`, '{}', 400, 'invalid_name'],
      ['POST', '/v1/vms/%zz/start', '{}', 400, 'invalid_input'],
      ['POST', '/v1/vms/a/start', '{"wait":"maybe"}', 400, 'invalid_input'],
      ['DELETE', '/v1/vms/a?forced=true', undefined, 400, 'invalid_input'],
      ['DELETE', '/v1/vms/a?force=true&force=false', undefined, 400, 'invalid_input'],
      ['GET', '/v1/vms/a/logs?follow=perhaps', undefined, 400, 'invalid_input'],
      ['POST', '/v1/operations/..%2fx/cancel', undefined, 400, 'invalid_input'],
      ['GET', '/v1/nowhere', undefined, 404, 'route_not_found'],
      ['PUT', '/v1/vms', '{}', 404, 'route_not_found'],
      ['GET', '/v1/vms/a/console', undefined, 400, 'invalid_input'],
    ];
    for (const [method, path, body, status, code] of cases) {
      const problem = refusal(await send(method, path, body));
      assert.deepEqual([problem.status, problem.code], [status, code], `${method} ${path} ${body}: ${problem.title}`);
    }
    assert.equal(called, 0);
  });

  test('a misspelt field is named in the refusal', async () => {
    const client = await serve({});
    const wrong = { name: 'a', memroyMiB: 512 };
    await assert.rejects(client.progress('vm.create', { input: wrong }), /memroyMiB/);
  });

  test('a name that cannot be is refused with the rule and a name that would do', async () => {
    const client = await serve({});
    await assert.rejects(client.progress('vm.create', { input: { name: 'my_vm' } }), {
      code: 'invalid_name',
      message: /^"my_vm" is no name: /,
      hint: /my-vm/,
    });
  });

  test('bodies are limited to 1 MiB, and to 2 MiB where user data is part of them', async () => {
    await serve({ 'vm.create': async () => ({ vm: fakeVm('a'), notices: [] }) });
    const large = JSON.stringify({ name: 'a', userData: '\n'.repeat(1_000_000) });
    assert.ok(large.length > 1_900_000);
    assert.equal((await send('POST', '/v1/vms', large)).status, 200);
    const socket = connect(socketPath);
    // The head alone: the refusal does not wait for the rest.
    socket.write(
      'POST /v1/vms/a/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1048577\r\n\r\n{',
    );
    const [answer] = await once(socket, 'data');
    socket.destroy();
    assert.match(String(answer), /^HTTP\/1\.1 400 [\s\S]*too large/);
  });

  test('another media type than JSON is refused', async () => {
    await serve({});
    const problem = refusal(
      await send('POST', '/v1/vms', 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }),
    );
    assert.equal(problem.code, 'invalid_input');
  });

  test('what is no HTTP is answered and cut off', async () => {
    await serve({});
    const socket = connect(socketPath);
    socket.write('hello\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*invalid_input/);
  });

  test('a client that goes in the middle of its request is no fault of ours', async () => {
    const client = await serve({ 'vm.list': async () => [] });
    const socket = connect(socketPath);
    socket.write('POST /v1/vms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
    await sleep(20);
    socket.destroy();
    await sleep(20);
    assert.deepEqual(await client.call('vm.list', {}), []);
    assert.doesNotMatch(logged.join(''), /unexpected fault/);
  });
});

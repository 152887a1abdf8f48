import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../contract/operations.ts';
import { wireRequest } from './arguments.ts';
import { routes } from './routes.ts';

test('the light routes are those of the operations table', () => {
  const table = Object.entries(operations).map(([id, { mode, method, path }]) => [id, { mode, method, path }]);
  assert.deepEqual(routes, Object.fromEntries(table));
});

test('params go into the path, escaped, and the query behind it without what is undefined', () => {
  const wire = wireRequest('forward.remove', { params: { name: 'a/b' }, query: { hostPort: 8080, bind: undefined } });
  assert.deepEqual(wire, { method: 'DELETE', path: '/v1/vms/a%2Fb/forwards?hostPort=8080', body: undefined });
});

test('the input becomes the body', () => {
  const wire = wireRequest('vm.stop', { params: { name: 'a' }, input: { force: true } });
  assert.deepEqual(wire, { method: 'POST', path: '/v1/vms/a/stop', body: '{"force":true}' });
});

test('a body above the limit is refused before it is sent, with room for user data where it belongs', () => {
  const text = 'x'.repeat(1_500_000);
  assert.throws(() => wireRequest('vm.set', { input: { text } }), { code: 'invalid_input' });
  assert.equal(wireRequest('vm.create', { input: { text } }).method, 'POST');
  assert.throws(() => wireRequest('vm.create', { input: { text: text + text } }), { code: 'invalid_input' });
});

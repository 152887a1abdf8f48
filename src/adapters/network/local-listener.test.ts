import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wantedListeners } from './local-listener.ts';

describe('local listeners of a forward', () => {
  const addressesOf = (bind: string) =>
    wantedListeners({
      vmId: 'a',
      name: 'web',
      tap: 'tap1',
      mac: '52:54:00:00:00:01',
      ip: '172.16.0.2',
      forwards: [{ protocol: 'tcp', bind, hostPort: 8080, guestPort: 80 }],
    }).map(({ at }) => at.address);

  test('one on every address, or on 127.0.0.1, is served on both localhosts', () => {
    assert.deepEqual(addressesOf('0.0.0.0'), ['127.0.0.1', '::1']);
    assert.deepEqual(addressesOf('127.0.0.1'), ['127.0.0.1', '::1']);
  });

  test('one on another address holds that alone', () => {
    assert.deepEqual(addressesOf('192.0.2.2'), ['192.0.2.2']);
    assert.deepEqual(addressesOf('127.0.0.9'), ['127.0.0.9']);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOrder, parseModulesDep } from './module-order.ts';

const dependencies = parseModulesDep(
  [
    'kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko',
    'kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko',
    'kernel/drivers/virtio/virtio.ko:',
    '',
  ].join('\n'),
);

test('dependencies load before what needs them', () => {
  assert.deepEqual(loadOrder(dependencies, ['virtio_net'], new Set()), [
    'kernel/drivers/virtio/virtio.ko',
    'kernel/net/core/failover.ko',
    'kernel/drivers/net/net_failover.ko',
    'kernel/drivers/net/virtio_net.ko',
  ]);
});

test('what an earlier set has loaded is not loaded again, and dashes equal underscores', () => {
  assert.deepEqual(loadOrder(dependencies, ['virtio_rng'], new Set(['kernel/drivers/virtio/virtio.ko'])), [
    'kernel/drivers/char/hw_random/virtio-rng.ko',
  ]);
});

test('a driver that is built in has nothing to load', () => {
  assert.deepEqual(loadOrder(dependencies, ['ext4'], new Set()), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listText, loadOrder, parseModulesDep } from './module-order.ts';

const dependencies = parseModulesDep(
  [
    'kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko',
    'kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko',
    'kernel/drivers/virtio/virtio.ko:',
    '',
  ].join('\n'),
);

test('dependencies load before what needs them', () => {
  assert.deepEqual(loadOrder(dependencies, ['virtio_net']), [
    'kernel/drivers/virtio/virtio.ko',
    'kernel/net/core/failover.ko',
    'kernel/drivers/net/net_failover.ko',
    'kernel/drivers/net/virtio_net.ko',
  ]);
});

test('dashes and underscores are the same in a name, and a list has the name that the kernel uses', () => {
  const order = loadOrder(dependencies, ['virtio_rng']);
  assert.equal(
    listText(order),
    'virtio kernel/drivers/virtio/virtio.ko\nvirtio_rng kernel/drivers/char/hw_random/virtio-rng.ko\n',
  );
});

test('a driver that is built in has nothing to load', () => {
  assert.deepEqual(loadOrder(dependencies, ['ext4']), []);
});

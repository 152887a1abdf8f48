import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findConflict } from './conflict.ts';
import type { Link, Route } from './ip.ts';
import { planNetwork } from './plan.ts';

const plan = planNetwork({ bridge: 'vmm-br0', subnet: '172.16.0.0/16', hostInterface: '' });
const link = (ifname: string, local: string, prefixlen: number): Link => ({
  ifname,
  flags: ['UP'],
  mtu: 1500,
  addr_info: [{ family: 'inet', local, prefixlen }],
});
const route = (dst: string, dev: string | undefined, rest: Partial<Route> = {}): Route => ({
  type: 'unicast',
  dst,
  nexthops: [],
  ...(dev === undefined ? {} : { dev }),
  ...rest,
});

describe('the subnet against the host', () => {
  test('an address or a route of another interface is named', () => {
    assert.deepEqual(findConflict(plan, [link('docker0', '172.16.9.1', 24)], []), {
      interface: 'docker0',
      network: '172.16.9.1/24',
    });
    assert.equal(findConflict(plan, [], [route('172.16.0.0/12', 'tun0')])?.interface, 'tun0');
    assert.equal(findConflict(plan, [], [route('172.16.3.4', 'wg0')])?.interface, 'wg0');
  });

  test('a route with several next hops, or with none, is named too', () => {
    assert.equal(
      findConflict(plan, [], [route('172.16.0.0/16', undefined, { nexthops: [{ dev: 'eth1' }] })])?.interface,
      'eth1',
    );
    assert.equal(
      findConflict(plan, [], [route('172.16.0.0/16', undefined, { type: 'blackhole' })])?.interface,
      'a blackhole route',
    );
  });

  test('the bridge itself, default routes and the table of local addresses are none', () => {
    const own = [link('vmm-br0', '172.16.0.1', 16), link('eth0', '192.0.2.2', 24)];
    const routes = [
      route('default', 'eth0'),
      route('0.0.0.0/1', 'tun0'),
      route('128.0.0.0/1', 'tun0'),
      route('172.16.0.0/16', 'vmm-br0'),
      route('172.16.0.1', 'lo', { type: 'local' }),
    ];
    assert.equal(findConflict(plan, own, routes), undefined);
  });
});

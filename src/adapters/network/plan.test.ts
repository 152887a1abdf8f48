import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { contains, overlaps, parseNetwork, planNetwork } from './plan.ts';

const settings = { bridge: 'vmm-br0', subnet: '172.16.0.0/16', hostInterface: '' };

function network(text: string) {
  const parsed = parseNetwork(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

describe('the plan of a network', () => {
  test('the bridge gets the first host address of the subnet, whatever address of it was written', () => {
    for (const [subnet, cidr, gateway] of [
      ['172.16.0.0/16', '172.16.0.0/16', '172.16.0.1'],
      ['10.9.8.77/24', '10.9.8.0/24', '10.9.8.1'],
      ['10.9.8.252/30', '10.9.8.252/30', '10.9.8.253'],
    ] as const) {
      const plan = planNetwork({ ...settings, subnet });
      assert.deepEqual([plan.cidr, plan.gateway], [cidr, gateway]);
    }
  });

  test('two instances share no name, no group and no MAC', () => {
    const [a, b] = [planNetwork(settings), planNetwork({ ...settings, bridge: 'vmm-br1', subnet: '10.0.0.0/24' })];
    assert.notEqual(a.table, b.table);
    assert.notEqual(a.group, b.group);
    assert.notEqual(a.mac, b.mac);
  });

  test('the MAC is locally administered, unicast and always the same', () => {
    assert.match(planNetwork(settings).mac, /^02(:[0-9a-f]{2}){5}$/);
    assert.equal(planNetwork(settings).mac, planNetwork(settings).mac);
  });

  test('settings that cannot be used are refused with the key to set', () => {
    for (const [key, wrong] of [
      ['subnet', { subnet: '172.16.0.0/31' }],
      ['subnet', { subnet: 'fd00::/64' }],
      ['subnet', { subnet: '0.0.0.0/0' }],
      ['bridge_name', { bridge: 'br"; flush ruleset' }],
      ['bridge_name', { bridge: '-br' }],
      ['bridge_name', { bridge: 'sixteen-letters0' }],
      ['bridge_name', { bridge: '..' }],
      ['host_interface', { hostInterface: 'eth0 accept' }],
    ] as const) {
      const hint = new RegExp(`vmm config set ${key} `);
      assert.throws(() => planNetwork({ ...settings, ...wrong }), { code: 'invalid_config', hint });
    }
  });

  test('networks overlap when one holds the other', () => {
    assert.ok(overlaps(network('172.16.0.0/12'), network('172.16.5.0/24')));
    assert.ok(overlaps(network('172.16.5.9'), network('172.16.0.0/16')));
    assert.ok(!overlaps(network('172.17.0.0/16'), network('172.16.0.0/16')));
    assert.ok(contains(network('10.9.8.16/28'), '10.9.8.31'));
    assert.ok(!contains(network('10.9.8.16/28'), '10.9.8.32'));
    assert.ok(!contains(network('10.9.8.16/28'), 'fd00::1'));
  });
});

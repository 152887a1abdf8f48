import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Forward } from '../../contract/resources/vm.ts';
import type { NetworkMember } from '../../ports/host-network.ts';
import { assertInSubnet, elementsOf, elementText, uniqueElements } from './elements.ts';
import { planNetwork } from './plan.ts';
import { renderChange, renderRuleset } from './ruleset.ts';

const settings = { bridge: 'vmm-br0', subnet: '172.16.0.0/16', hostInterface: '' };
const plan = planNetwork(settings);
const forward = (bind: string, hostPort: number, protocol: 'tcp' | 'udp' = 'tcp'): Forward => ({
  protocol,
  bind,
  hostPort,
  guestPort: 80,
});
const member = (changes: Partial<NetworkMember> = {}): NetworkMember => ({
  vmId: 'a',
  name: 'web',
  tap: 'tap1',
  mac: '52:54:00:00:00:01',
  ip: '172.16.0.2',
  forwards: [],
  ...changes,
});

describe('our nftables text', () => {
  test('a VM adds its addresses, and one map entry for each forward that is not of the loopback', () => {
    const forwards = [forward('0.0.0.0', 8080), forward('10.0.0.1', 53, 'udp'), forward('127.0.0.1', 9090)];
    assert.deepEqual(
      elementsOf(member({ forwards })).map((element) => `${element.set}: ${elementText(element)}`),
      [
        'hardware: "tap1" . 52:54:00:00:00:01',
        'addresses: "tap1" . 172.16.0.2',
        'arp_senders: "tap1" . 52:54:00:00:00:01 . 172.16.0.2',
        'reflections: "tap1" . "tap1"',
        'any_forwards: tcp . 8080 : 172.16.0.2 . 80',
        'bound_forwards: 10.0.0.1 . udp . 53 : 172.16.0.2 . 80',
      ],
    );
  });

  test('values that are no name, MAC, address or port never become text', () => {
    const port = 80.5;
    for (const hostile of [
      { tap: 'tap1" } ; flush ruleset' },
      { tap: '-tap' },
      { mac: '52:54:00:00:00:01 }' },
      { ip: '172.16.0.2 . 80' },
      { forwards: [forward('0.0.0.0 accept', 80)] },
      { forwards: [forward('0.0.0.0', port)] },
    ]) {
      assert.throws(() => elementsOf(member(hostile)), { code: 'internal' });
    }
    assert.throws(() => assertInSubnet(plan, member({ ip: '10.0.0.1' })), { code: 'network_failed' });
  });

  test('of two VMs that claim one port the first keeps it, and the second is named', () => {
    const first = member({ forwards: [forward('0.0.0.0', 8080)] });
    const second = member({
      vmId: 'b',
      name: 'other',
      tap: 'tap2',
      ip: '172.16.0.3',
      forwards: [forward('0.0.0.0', 8080)],
    });
    const { elements, refused } = uniqueElements([first, second]);
    assert.equal(elements.filter(({ set }) => set === 'any_forwards').length, 1);
    assert.deepEqual(refused, ['other (tcp . 8080)']);
  });

  test('the whole keeps tables and chains, empties them and fills them', () => {
    const text = renderRuleset(plan, elementsOf(member({ forwards: [forward('0.0.0.0', 8080)] })));
    assert.doesNotMatch(text, /delete/);
    const order = [
      'chain prerouting { type nat hook',
      'flush table inet vmm_vmm-br0',
      'flush map inet vmm_vmm-br0 any_forwards',
      'add element inet vmm_vmm-br0 any_forwards {\n  tcp . 8080 : 172.16.0.2 . 80\n}',
      'add rule inet vmm_vmm-br0 prerouting ',
    ].map((part) => text.indexOf(part));
    assert.ok(
      order.every((at, index) => at > (order[index - 1] ?? -1)),
      order.join(),
    );
    // An empty list of elements is a syntax error of nft.
    assert.doesNotMatch(renderRuleset(plan, []), /add element/);
  });

  test('masquerading is bound to the host interface when there is one', () => {
    assert.match(renderRuleset(plan, []), /oifname != "vmm-br0" masquerade/);
    const bound = renderRuleset(planNetwork({ ...settings, hostInterface: 'eth0' }), []);
    assert.match(bound, /oifname "eth0" masquerade/);
  });

  test('what goes is added before it is deleted, so that nothing fails when it was not there', () => {
    const [element] = elementsOf(member());
    assert.ok(element !== undefined);
    assert.equal(
      renderChange(plan, [element], []),
      'add element bridge vmm_vmm-br0 hardware { "tap1" . 52:54:00:00:00:01 }\n' +
        'delete element bridge vmm_vmm-br0 hardware { "tap1" . 52:54:00:00:00:01 }\n',
    );
  });
});

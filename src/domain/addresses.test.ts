import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, macFor, nextAddress, parseSubnet, tapFor } from './addresses.ts';

describe('a subnet', () => {
  it('of any size from /8 to /30 has a bridge, and guests from the second address to the last but the broadcast', () => {
    for (const [text, gateway, first, last] of [
      ['10.0.0.0/8', '10.0.0.1', '10.0.0.2', '10.255.255.254'],
      ['172.16.0.0/16', '172.16.0.1', '172.16.0.2', '172.16.255.254'],
      ['192.168.4.0/23', '192.168.4.1', '192.168.4.2', '192.168.5.254'],
      ['192.168.7.0/24', '192.168.7.1', '192.168.7.2', '192.168.7.254'],
      ['192.168.7.64/27', '192.168.7.65', '192.168.7.66', '192.168.7.94'],
      ['192.168.7.252/30', '192.168.7.253', '192.168.7.254', '192.168.7.254'],
    ] as const) {
      const subnet = parseSubnet(text);
      assert.equal(subnet.gateway, gateway, text);
      assert.equal(nextAddress(subnet, new Set()), first, text);
      assert.ok(contains(subnet, first) && contains(subnet, last), text);
      assert.ok(!contains(subnet, gateway), text);
    }
  });

  it('of every prefix gives as many addresses as it has room for', () => {
    for (let prefix = 8; prefix <= 30; prefix++) {
      const { first, last } = parseSubnet(`10.0.0.0/${prefix}`);
      assert.equal(last - first + 1, 2 ** (32 - prefix) - 3, `/${prefix}`);
    }
  });

  it('may be named by any address inside it', () => {
    assert.equal(parseSubnet('172.16.77.3/16').cidr, '172.16.0.0/16');
  });

  it('is refused when it is too small, too large or none', () => {
    for (const text of [
      '10.0.0.0/31',
      '10.0.0.0/32',
      '0.0.0.0/0',
      '10.0.0.0/7',
      '10.0.0.0',
      '10.0.0.256/24',
      'fd00::/64',
      '',
    ])
      assert.throws(() => parseSubnet(text), { code: 'invalid_config', hint: /vmm config set subnet/ }, text);
  });

  it('above the middle of the address space is plain arithmetic too', () => {
    const subnet = parseSubnet('223.255.254.0/23');
    assert.equal(nextAddress(subnet, new Set(['223.255.254.2'])), '223.255.254.3');
  });
});

describe('an address', () => {
  it('is the lowest that is free, so that those of deleted VMs come back', () => {
    const subnet = parseSubnet('172.16.0.0/16');
    assert.equal(nextAddress(subnet, new Set(['172.16.0.2', '172.16.0.4'])), '172.16.0.3');
    const taken = new Set(Array.from({ length: 254 }, (_, index) => `172.16.0.${index + 2}`));
    assert.equal(nextAddress(subnet, taken), '172.16.1.0');
  });

  it('is not to be had when all are given', () => {
    const subnet = parseSubnet('10.9.9.0/29');
    const taken = new Set([2, 3, 4, 5, 6].map((last) => `10.9.9.${last}`));
    assert.throws(() => nextAddress(subnet, taken), {
      code: 'subnet_exhausted',
      message: /All 5 addresses of 10\.9\.9\.0\/29/,
    });
    taken.delete('10.9.9.6');
    assert.equal(nextAddress(subnet, taken), '10.9.9.6');
  });
});

describe('names of the network made from a VM’s id', () => {
  const ids = Array.from({ length: 200 }, (_, index) => index.toString(16).padStart(16, '0'));

  it('are MACs that are unicast, locally administered, stable and apart', () => {
    const macs = ids.map(macFor);
    for (const mac of macs) {
      assert.match(mac, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
      assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 0b11, 0b10);
    }
    assert.equal(new Set(macs).size, ids.length);
    assert.equal(macFor('0123456789abcdef'), macFor('0123456789abcdef'));
  });

  it('are taps that fit into an interface’s name', () => {
    for (const tap of [tapFor('0123456789abcdef'), tapFor('a')])
      assert.ok(tap.length <= 15 && /^vmt[0-9a-f]+$/.test(tap));
  });
});

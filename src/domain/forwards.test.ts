import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Forward } from '../contract/resources/vm.ts';
import { assertNoCollision, collide } from './forwards.ts';

const forward = (hostPort: number, bind = '0.0.0.0', protocol: Forward['protocol'] = 'tcp'): Forward => ({
  protocol,
  bind,
  hostPort,
  guestPort: 80,
});

describe('two forwards', () => {
  it('meet on one port and protocol where their addresses meet, whichever comes first', () => {
    for (const [a, b, meets] of [
      [forward(80), forward(80), true],
      [forward(80), forward(80, '10.0.0.1'), true],
      [forward(80, '10.0.0.1'), forward(80, '10.0.0.1'), true],
      [forward(80, '10.0.0.1'), forward(80, '10.0.0.2'), false],
      [forward(80), forward(81), false],
      [forward(80), forward(80, '0.0.0.0', 'udp'), false],
    ] as const) {
      assert.equal(collide(a, b), meets);
      assert.equal(collide(b, a), meets);
    }
  });

  it('that meet are refused with the command that frees the port', () => {
    const owners = [
      { name: 'a', forwards: [forward(80)] },
      { name: 'b', forwards: [forward(53, '0.0.0.0', 'udp')] },
    ];
    assert.throws(() => assertNoCollision(forward(80), owners), {
      code: 'port_in_use',
      hint: /vmm port-forward remove a 80,/,
    });
    assert.throws(() => assertNoCollision(forward(53, '127.0.0.1', 'udp'), owners), { hint: /remove b 53\/udp,/ });
    assertNoCollision(forward(53), owners);
    assertNoCollision(forward(80), []);
  });
});

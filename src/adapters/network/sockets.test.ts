import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Forward } from '../../contract/resources/vm.ts';
import { conflicts, parseListeners, portInUse } from './sockets.ts';

const forward = (bind: string, hostPort: number, protocol: 'tcp' | 'udp' = 'tcp'): Forward => ({
  protocol,
  bind,
  hostPort,
  guestPort: 80,
});

describe('listening sockets of the host', () => {
  test('every form in which ss writes an address is read', () => {
    const text = `
udp   UNCONN 0      0      127.0.0.53%lo:53         0.0.0.0:*    users:(("systemd-resolve",pid=600,fd=13))
udp   UNCONN 0      0      [fe80::1]%eth0:546          [::]:*
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=1,fd=3),("sshd",pid=2,fd=3))
tcp   LISTEN 0      4096            [::]:80            [::]:*
tcp   LISTEN 0      4096               *:8080             *:*    users:(("node",pid=7,fd=20))
tcp   LISTEN 0      4096  [::ffff:10.0.0.1]:9090       *:*
`;
    assert.deepEqual(
      parseListeners(text).map(({ protocol, address, port, program }) => [protocol, address, port, program]),
      [
        ['udp', '127.0.0.53', 53, 'systemd-resolve'],
        ['udp', 'fe80::1', 546, undefined],
        ['tcp', '0.0.0.0', 22, 'sshd'],
        ['tcp', '::', 80, undefined],
        ['tcp', '*', 8080, 'node'],
        ['tcp', '10.0.0.1', 9090, undefined],
      ],
    );
  });

  test('a socket stands in the way when the forward would take its callers or its localhost', () => {
    const listener = (address: string) => ({ protocol: 'tcp' as const, address, port: 80, program: undefined });
    const inTheWay = (bind: string) =>
      ['0.0.0.0', '*', '::', '::1', '127.0.0.1', '10.0.0.1', 'fe80::1'].filter((address) =>
        conflicts(forward(bind, 80), listener(address)),
      );
    assert.deepEqual(inTheWay('0.0.0.0'), ['0.0.0.0', '*', '::', '::1', '127.0.0.1', '10.0.0.1']);
    assert.deepEqual(inTheWay('127.0.0.1'), ['0.0.0.0', '*', '::', '::1', '127.0.0.1']);
    assert.deepEqual(inTheWay('10.0.0.1'), ['0.0.0.0', '*', '10.0.0.1']);
    assert.ok(!conflicts(forward('0.0.0.0', 81), listener('0.0.0.0')));
    assert.ok(!conflicts(forward('0.0.0.0', 80, 'udp'), listener('0.0.0.0')));
  });

  test('the refusal names port, protocol, address and program, and another port to try', () => {
    const error = portInUse(forward('10.0.0.1', 8080), 'nginx');
    assert.equal(error.message, 'The host port 8080/tcp on 10.0.0.1 is taken by nginx.');
    assert.match(error.hint ?? '', /9080:80/);
    assert.match(portInUse(forward('0.0.0.0', 65_000), undefined).hint ?? '', /64000:80/);
  });
});

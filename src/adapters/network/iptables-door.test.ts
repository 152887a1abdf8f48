import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chainInTheWay } from './iptables-door.ts';

const view = (ufwActive: boolean) => ({ tables: [], ufwActive });
const docker = ['-P FORWARD DROP', '-N DOCKER-USER', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER-FORWARD'];

describe('which chain of iptables must let VMs pass', () => {
  test("Docker's, while FORWARD leads to it", () => {
    assert.equal(chainInTheWay(docker, view(false)), 'DOCKER-USER');
    assert.equal(chainInTheWay(docker, view(true)), 'DOCKER-USER');
  });

  test('FORWARD itself when it drops or rejects, also with a left-over of Docker', () => {
    assert.equal(chainInTheWay(['-P FORWARD DROP', '-N DOCKER-USER'], view(false)), 'FORWARD');
    const rejecting = ['-P FORWARD ACCEPT', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'];
    assert.equal(chainInTheWay(rejecting, view(false)), 'FORWARD');
    assert.equal(chainInTheWay(['-P FORWARD ACCEPT', '-A FORWARD -i eth1 -j DROP'], view(false)), 'FORWARD');
  });

  test('none when it accepts, when iptables is missing, and when ufw owns the drop', () => {
    assert.equal(chainInTheWay(['-P FORWARD ACCEPT'], view(false)), undefined);
    assert.equal(chainInTheWay([], view(false)), undefined);
    assert.equal(chainInTheWay(['-P FORWARD DROP', '-A FORWARD -j ufw-before-forward'], view(true)), undefined);
  });
});

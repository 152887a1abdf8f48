import './support/own-namespace.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { planNetwork } from '../../../src/adapters/network/plan.ts';
import { type Guest, hostAddress, type Lab, openLab, sh, tcp } from './support/lab.ts';
import { askTcp, type Server, serveTcp, serveUdp } from './support/sockets.ts';

/** Each forgery is tried twice: as a guest, where it must fail, and from a port outside our group, to show that it would work. */
describe('what a guest may send', () => {
  let lab: Lab;
  let honest: Guest;
  let forger: Guest;
  let host: Server;
  const gateway = '172.16.0.1';

  before(async () => {
    lab = await openLab();
    honest = await lab.addGuest(1, '172.16.0.2', [tcp(8080, 80)]);
    forger = await lab.addGuest(2, '172.16.0.3');
    await lab.network.reconcile([honest.member, forger.member], lab.signal);
    await honest.serve('tcp', 80);
    await honest.serve('udp', 68);
    await honest.serve('udp', 7000, '::');
    host = await serveUdp('host', '0.0.0.0', 7000);
  });
  after(async () => {
    await host.close();
    await lab.close();
  });

  const ns = (command: string) => sh(`ip netns exec ${forger.namespace} ${command}`);

  async function onlyOutsideOurGroup(attempt: (timeoutMs: number) => Promise<string>): Promise<void> {
    assert.equal(await attempt(300), 'timeout');
    const { group } = planNetwork(lab.settings);
    const setGroup = (value: number) =>
      // The honest guest's too: its answers must pass.
      sh([forger, honest].map(({ member }) => `ip link set ${member.tap} group ${value}`).join('\n'));
    setGroup(0);
    try {
      assert.match(await attempt(3000), / saw /);
    } finally {
      setGroup(group);
    }
  }

  test('an address of its own passes', async () => {
    assert.equal(await forger.ask('udp', gateway, 7000), 'host saw 172.16.0.3: hello');
  });

  test('another IP address is dropped', async () => {
    ns('ip addr add 172.16.0.99/16 dev eth0');
    // Without asking by ARP, which would be dropped by another rule.
    const bridgeMac = planNetwork(lab.settings).mac;
    ns(`ip neigh replace ${gateway} lladdr ${bridgeMac} dev eth0`);
    sh(`ip neigh replace 172.16.0.99 lladdr ${forger.member.mac} dev vmm-br0`);
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('udp', gateway, 7000, { from: '172.16.0.99', timeoutMs }));
    ns('ip addr delete 172.16.0.99/16 dev eth0');
  });

  test('another MAC address is dropped', async () => {
    ns('ip link set eth0 address 52:54:00:00:00:77');
    sh('ip neigh replace 172.16.0.3 lladdr 52:54:00:00:00:77 dev vmm-br0');
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('udp', gateway, 7000, { timeoutMs }));
    ns(`ip link set eth0 address ${forger.member.mac}`);
    sh('ip neigh delete 172.16.0.3 dev vmm-br0');
  });

  test('ARP in the name of another address is dropped', async () => {
    ns('ip addr add 172.16.0.66/16 dev eth0');
    const learnt = () => sh('ip neigh show 172.16.0.66 dev vmm-br0');
    const arping = () => {
      ns('ip neigh flush dev eth0');
      sh(`ip netns exec ${forger.namespace} ping -c 1 -W 1 -I 172.16.0.66 ${gateway} || true`);
      return learnt();
    };
    assert.doesNotMatch(arping(), /lladdr/);
    sh(`ip link set ${forger.member.tap} group 0`);
    assert.match(arping(), /lladdr 52:54:00:00:00:02/);
    sh(`ip link set ${forger.member.tap} group ${planNetwork(lab.settings).group}; ip neigh flush dev vmm-br0`);
    ns('ip addr delete 172.16.0.66/16 dev eth0');
    ns(`ip neigh flush dev eth0`);
  });

  test('IPv6 is dropped', async () => {
    sh(
      `ip -n ${honest.namespace} addr add fd00::1/64 dev eth0 nodad; ip -n ${forger.namespace} addr add fd00::2/64 dev eth0 nodad`,
    );
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('udp', 'fd00::1', 7000, { timeoutMs }));
  });

  test('the answers of a DHCP server are dropped', async () => {
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('udp', '172.16.0.2', 68, { fromPort: 67, timeoutMs }));
  });

  test('a tap without a member passes nothing', async () => {
    await lab.network.removeMember(forger.member, lab.signal);
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('udp', gateway, 7000, { timeoutMs }));
    await lab.network.addMember(forger.member, lab.signal);
    assert.equal(await forger.ask('udp', gateway, 7000), 'host saw 172.16.0.3: hello');
  });

  test('the loopback of the host is out of reach, even where others switched route_localnet on', async () => {
    const secret = await serveTcp('host', '127.0.0.9', 7001);
    sh('echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet');
    ns('sh -c "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet"');
    ns('ip route delete local 127.0.0.0/8 dev lo table local');
    ns(`ip route add 127.0.0.9 via ${gateway}`);
    await onlyOutsideOurGroup((timeoutMs) => forger.ask('tcp', '127.0.0.9', 7001, { timeoutMs }));
    sh('echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet');
    await secret.close();
  });

  test('a neighbour of the host who routes the subnet to it does not reach guests past their forwards', async () => {
    sh(`ip -n outside route add 172.16.0.0/16 via ${hostAddress}`);
    assert.equal(await lab.outside.ask('tcp', '172.16.0.2', 80, { timeoutMs: 300 }), 'timeout');
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    sh('ip -n outside route delete 172.16.0.0/16');
  });

  test('the host itself reaches guests', async () => {
    assert.equal(await askTcp('172.16.0.2', 80, 'hello', 2000), `guest1 saw ${gateway}: hello`);
  });
});

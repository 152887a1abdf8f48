import './support/own-namespace.ts';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Forward } from '../../../src/contract/resources/vm.ts';
import type { NetworkMember } from '../../../src/ports/host-network.ts';
import { type Guest, hostAddress, type Lab, openLab, outsideAddress, sh, tcp, udp } from './support/lab.ts';
import { askTcp, askUdp, serveTcp, serveUdp } from './support/sockets.ts';

/** The tables in a fixed order: nft lists them as they were made. */
const normal = (ruleset: string) =>
  ruleset
    .split(/^(?=table )/m)
    .sort()
    .join('');

describe('VMs come and go', () => {
  let lab: Lab;
  let web: Guest;
  const tables = () => sh('nft list ruleset');
  const imagined = (number: number, forwards: readonly Forward[] = []): NetworkMember => ({
    vmId: `imagined${number}`,
    name: `imagined${number}`,
    tap: `imag${number}`,
    mac: `52:54:00:01:00:${number.toString(16).padStart(2, '0')}`,
    ip: `172.16.1.${number}`,
    forwards,
  });

  before(async () => {
    lab = await openLab();
    web = await lab.addGuest(1, '172.16.0.2');
    await web.serve('tcp', 80);
    await web.serve('tcp', 81);
    await web.serve('udp', 53);
    await lab.network.reconcile([], lab.signal);
  });
  after(() => lab.close());

  test('adding and removing 100 VMs with forwards leaves the tables as they were', async () => {
    const empty = tables();
    const many = Array.from({ length: 100 }, (_, index) =>
      imagined(index + 1, [tcp(20_000 + index, 80), udp(20_000 + index, 53), tcp(21_000 + index, 80, hostAddress)]),
    );
    await Promise.all(many.map((member) => lab.network.addMember(member, lab.signal)));
    assert.equal(tables().match(/172\.16\.1\.\d+ \. 80/g)?.length, 200);
    await Promise.all(many.map((member) => lab.network.removeMember(member, lab.signal)));
    assert.equal(tables(), empty);
    assert.doesNotMatch(sh('ss -Hlntu'), /:2[01]0\d\d /);
  });

  test('adding and removing one VM twice is adding and removing it once', async () => {
    const empty = tables();
    const member = imagined(1, [tcp(8080, 80)]);
    await lab.network.addMember(member, lab.signal);
    const once = tables();
    await lab.network.addMember(member, lab.signal);
    assert.equal(tables(), once);
    await lab.network.removeMember(member, lab.signal);
    await lab.network.removeMember(member, lab.signal);
    assert.equal(tables(), empty);
  });

  test('an address that was another VM’s a moment ago is reached at once', async () => {
    const { ip, vmId } = web.member;
    const successor = { ...web.member, vmId: `${vmId}-next`, mac: '52:54:00:00:01:01' };
    await lab.network.addMember(web.member, lab.signal);
    assert.match(await askTcp(ip, 80, 'hello', 2000), /^guest1 saw /);
    await lab.network.removeMember(web.member, lab.signal);
    sh(`ip -n ${web.namespace} link set eth0 address ${successor.mac}`);
    await lab.network.addMember(successor, lab.signal);
    assert.match(await askTcp(ip, 80, 'hello', 2000), /^guest1 saw /);
    await lab.network.removeMember(successor, lab.signal);
    sh(`ip -n ${web.namespace} link set eth0 address ${web.member.mac}`);
  });

  test('the forwards of a running VM can be changed, and what is removed ends', async () => {
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80), udp(5353, 53)] }, lab.signal);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 81), tcp(9090, 80)] }, lab.signal);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    assert.match(await lab.outside.ask('tcp', hostAddress, 9090), /^guest1 saw /);
    assert.match(await askTcp('127.0.0.1', 9090, 'hello', 2000), /^guest1 saw /);
    assert.equal(await lab.outside.ask('udp', hostAddress, 5353, { timeoutMs: 300 }), 'timeout');
    assert.notEqual(await askUdp('127.0.0.1', 5353, 'hello', 300), 'guest1 saw 172.16.0.1: hello');
    await lab.network.removeMember(web.member, lab.signal);
    assert.equal(await lab.outside.ask('tcp', hostAddress, 9090), 'ECONNREFUSED');
    assert.equal(await askTcp('127.0.0.1', 9090, 'hello', 2000), 'ECONNREFUSED');
  });

  test('a connection outlives the change of another forward of its VM', async () => {
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80), tcp(9090, 81)] }, lab.signal);
    for (const address of [hostAddress, '127.0.0.1']) {
      const socket = connect({ host: address, port: 8080 });
      const answer = () => new Promise((resolve) => socket.once('data', (data) => resolve(String(data))));
      socket.write('one');
      assert.match(String(await answer()), /: one$/);
      await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80)] }, lab.signal);
      await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80), tcp(9090, 81)] }, lab.signal);
      socket.write('two');
      assert.match(String(await answer()), /: two$/);
      socket.destroy();
    }
    await lab.network.removeMember(web.member, lab.signal);
  });

  test('a port that a program of the host has is refused, with its name', async () => {
    const program = await serveTcp('host', '0.0.0.0', 7070);
    const datagrams = await serveUdp('host', '127.0.0.1', 7071);
    const refusal = { code: 'port_in_use', message: /7070\/tcp is taken by (node|MainThread)/, hint: /8070:80/ };
    await assert.rejects(lab.network.assertPortFree(tcp(7070, 80), lab.signal), refusal);
    await assert.rejects(lab.network.assertPortFree(tcp(7070, 80, hostAddress), lab.signal), { code: 'port_in_use' });
    await assert.rejects(lab.network.assertPortFree(udp(7071, 80), lab.signal), { code: 'port_in_use' });
    await lab.network.assertPortFree(tcp(7071, 80), lab.signal);
    await lab.network.assertPortFree(udp(7071, 80, hostAddress), lab.signal);

    const before = tables();
    await assert.rejects(lab.network.addMember(imagined(1, [tcp(7000, 80), tcp(7070, 80)]), lab.signal), refusal);
    assert.equal(tables(), before);
    assert.doesNotMatch(sh('ss -Hlnt'), /:7000 /);
    await program.close();
    await datagrams.close();
  });

  test('our own listeners are no conflict, and keep the port from others', async () => {
    const member = imagined(1, [tcp(8080, 80), udp(8080, 53), tcp(8081, 80, hostAddress)]);
    await lab.network.addMember(member, lab.signal);
    for (const forward of member.forwards) await lab.network.assertPortFree(forward, lab.signal);
    await assert.rejects(serveTcp('host', '0.0.0.0', 8080), { code: 'EADDRINUSE' });
    await assert.rejects(serveTcp('host', '127.0.0.1', 8080), { code: 'EADDRINUSE' });
    await assert.rejects(serveUdp('host', '0.0.0.0', 8080), { code: 'EADDRINUSE' });
    await assert.rejects(serveTcp('host', hostAddress, 8081), { code: 'EADDRINUSE' });
    await lab.network.removeMember(member, lab.signal);
  });

  test('a forward that another VM has already is refused and changes nothing', async () => {
    const first = imagined(1, [tcp(8081, 80, '198.51.100.77')]);
    await lab.network.addMember(first, lab.signal);
    const before = tables();
    const second = imagined(2, [tcp(8081, 80, '198.51.100.77')]);
    await assert.rejects(lab.network.addMember(second, lab.signal), { code: 'network_failed' });
    assert.equal(tables(), before);
    await lab.network.removeMember(second, lab.signal);
    assert.equal(tables(), before);
    await lab.network.removeMember(first, lab.signal);
  });

  test('an address outside the subnet is refused', async () => {
    const stray = { ...imagined(1), ip: '10.0.0.5' };
    await assert.rejects(lab.network.addMember(stray, lab.signal), { code: 'network_failed', message: /10\.0\.0\.5/ });
  });

  test('forwards outlive the daemon but for localhost, and the next one brings that back', async () => {
    const member = { ...web.member, forwards: [tcp(8080, 80)] };
    const first = lab.another();
    await first.reconcile([member], lab.signal);
    await first.close();
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    assert.equal(await askTcp('127.0.0.1', 8080, 'hello', 2000), 'ECONNREFUSED');
    const next = lab.another();
    assert.deepEqual(await next.reconcile([member], lab.signal), []);
    assert.match(await askTcp('127.0.0.1', 8080, 'hello', 2000), /^guest1 saw /);
    await next.removeMember(member, lab.signal);
    assert.equal(await lab.outside.ask('tcp', hostAddress, 8080), 'ECONNREFUSED');
  });

  test('a localhost port taken while no daemon ran is told, and the rest of the network stands', async () => {
    const thief = await serveTcp('thief', '127.0.0.1', 8080);
    const member = { ...web.member, forwards: [tcp(8080, 80)] };
    const next = lab.another();
    const notices = await next.reconcile([member], lab.signal);
    assert.equal(notices.length, 1);
    assert.match(notices.join(), /8080:80 of guest1 does not work from 127\.0\.0\.1: the port is taken by/);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    await next.removeMember(member, lab.signal);
    await thief.close();
  });

  test('rules that others flushed come back whole with the next call', async () => {
    const member = { ...web.member, forwards: [tcp(8080, 80)] };
    await lab.network.addMember(member, lab.signal);
    sh('nft flush ruleset');
    await lab.network.ensure(lab.signal);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    sh('nft flush ruleset');
    await lab.network.addMember(imagined(1), lab.signal);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    sh('nft flush ruleset');
    await lab.network.removeMember(imagined(1), lab.signal);
    await lab.network.ensure(lab.signal);
    assert.match(await lab.outside.ask('tcp', hostAddress, 8080), /^guest1 saw /);
    await lab.network.removeMember(member, lab.signal);
  });

  test('tables that another version left in another shape are made anew', async () => {
    await lab.network.reconcile([], lab.signal);
    const proper = tables();
    sh(`nft delete table inet vmm_vmm-br0
        nft 'table inet vmm_vmm-br0 { set any_forwards { type ether_addr; }; chain forward { type nat hook output priority 0; }; }'`);
    await lab.network.reconcile([], lab.signal);
    assert.equal(normal(tables()), normal(proper));
  });

  test('no caller notices the tables being swapped', async () => {
    const many = Array.from({ length: 100 }, (_, index) => imagined(index + 1, [tcp(22_000 + index, 80)]));
    const members = [{ ...web.member, forwards: [tcp(8080, 80), udp(5454, 53)] }, ...many];
    await lab.network.reconcile(members, lab.signal);
    // A port that no other test used: conntrack remembers for a while that it led nowhere.
    let swapping = true;
    const answers = new Map<string, number>();
    const call = async () => {
      while (swapping) {
        for (const [protocol, port] of [
          ['udp', 5454],
          ['tcp', 8080],
        ] as const) {
          const answer = `${protocol}: ${await lab.outside.ask(protocol, hostAddress, port)}`;
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
        }
      }
    };
    const calls = [call(), call()];
    for (let round = 0; round < 30; round++) await lab.network.reconcile(members, lab.signal);
    swapping = false;
    await Promise.all(calls);
    const right = `guest1 saw ${outsideAddress}: hello`;
    assert.deepEqual([...answers.keys()].sort(), [`tcp: ${right}`, `udp: ${right}`]);
    assert.ok([...answers.values()].every((count) => count > 50));
    await lab.network.reconcile([], lab.signal);
  });

  test('a listener carries much in both directions and a half-closed connection', async () => {
    const big = 'x'.repeat(1 << 20);
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80)] }, lab.signal);
    const socket = connect({ host: '127.0.0.1', port: 8080, allowHalfOpen: true });
    let received = 0;
    socket.on('data', (data) => {
      received += data.length;
    });
    socket.end(big);
    await new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject));
    assert.ok(received >= big.length);
    await lab.network.removeMember(web.member, lab.signal);
  });

  test('a host without IPv6 has its forwards on IPv4', async () => {
    sh('echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6');
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 80)] }, lab.signal);
    assert.match(await askTcp('127.0.0.1', 8080, 'hello', 2000), /^guest1 saw /);
    await lab.network.removeMember(web.member, lab.signal);
    sh('echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6');
  });

  test('a guest that does not listen looks like a port that does not', async () => {
    await lab.network.addMember({ ...web.member, forwards: [tcp(8080, 4444)] }, lab.signal);
    assert.match(await askTcp('127.0.0.1', 8080, 'hello', 2000), /^(ECONNRESET|closed|EPIPE)$/);
    assert.equal(await lab.outside.ask('tcp', hostAddress, 8080), 'ECONNREFUSED');
    await lab.network.removeMember(web.member, lab.signal);
  });

  test('teardown waits for the last VM', async () => {
    await lab.network.addMember(web.member, lab.signal);
    await lab.network.teardown(lab.signal);
    assert.match(tables(), /"tap1" \. 172\.16\.0\.2/);
    await lab.network.removeMember(web.member, lab.signal);
  });

  test('a cancelled call says so and leaves nothing', async () => {
    const before = tables();
    const member = imagined(1, [tcp(8080, 80)]);
    await assert.rejects(lab.network.addMember(member, AbortSignal.abort()), { code: 'aborted' });
    assert.equal(tables(), before);
    assert.doesNotMatch(sh('ss -Hlnt'), /:8080 /);
  });
});

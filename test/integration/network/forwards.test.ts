import './support/own-namespace.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { farAddress, type Guest, hostAddress, type Lab, openLab, outsideAddress, sh, tcp, udp } from './support/lab.ts';
import { askTcp, askUdp } from './support/sockets.ts';

describe('forwards and the way out', () => {
  let lab: Lab;
  let web: Guest;
  let other: Guest;
  const gateway = '172.16.0.1';

  before(async () => {
    lab = await openLab();
    const forwards = [
      tcp(8080, 80),
      udp(5353, 53),
      tcp(8081, 80, hostAddress),
      tcp(8082, 80, '127.0.0.1'),
      tcp(443, 443),
    ];
    web = await lab.addGuest(1, '172.16.0.2', forwards);
    other = await lab.addGuest(2, '172.16.0.3');
    await lab.network.addMember(web.member, lab.signal);
    await lab.network.addMember(other.member, lab.signal);
    await web.serve('tcp', 80);
    await web.serve('tcp', 443);
    await web.serve('udp', 53);
    await lab.outside.serve('tcp', 443);
    await lab.outside.serve('udp', 5353, farAddress);
  });
  after(() => lab.close());

  for (const bridged of ['1', '0']) {
    describe(`with bridge-nf-call-iptables ${bridged}`, () => {
      before(() => sh(`echo ${bridged} >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true`));

      test('a guest reaches the outside with the address of the host', async () => {
        assert.equal(await other.ask('tcp', farAddress, 443), `outside saw ${hostAddress}: hello`);
        assert.equal(await other.ask('udp', farAddress, 5353), `outside saw ${hostAddress}: hello`);
      });

      test('guests reach each other with their own addresses', async () => {
        assert.equal(await other.ask('tcp', '172.16.0.2', 80), 'guest1 saw 172.16.0.3: hello');
      });

      test('a forward is reached from outside, and the guest sees the caller', async () => {
        assert.equal(await lab.outside.ask('tcp', hostAddress, 8080), `guest1 saw ${outsideAddress}: hello`);
        assert.equal(await lab.outside.ask('udp', hostAddress, 5353), `guest1 saw ${outsideAddress}: hello`);
      });

      test('a forward is reached from the host by its addresses', async () => {
        assert.match(await askTcp(hostAddress, 8080, 'hello', 2000), /^guest1 saw .*: hello$/);
        assert.match(await askTcp(gateway, 8080, 'hello', 2000), /^guest1 saw .*: hello$/);
        assert.match(await askUdp(hostAddress, 5353, 'hello', 2000), /^guest1 saw .*: hello$/);
      });

      test('a forward is reached from the localhost of the host, IPv4 and IPv6', async () => {
        for (const localhost of ['127.0.0.1', '::1']) {
          assert.equal(await askTcp(localhost, 8080, 'hello', 2000), `guest1 saw ${gateway}: hello`);
          assert.equal(await askUdp(localhost, 5353, 'hello', 2000), `guest1 saw ${gateway}: hello`);
        }
      });

      test('a forward is reached from another VM by the addresses of the host', async () => {
        assert.equal(await other.ask('tcp', gateway, 8080), `guest1 saw ${gateway}: hello`);
        assert.equal(await other.ask('tcp', hostAddress, 8080), `guest1 saw ${gateway}: hello`);
        assert.equal(await other.ask('udp', gateway, 5353), `guest1 saw ${gateway}: hello`);
      });

      test('a forward of port 443 does not catch the outbound 443 of any VM', async () => {
        assert.equal(await other.ask('tcp', farAddress, 443), `outside saw ${hostAddress}: hello`);
        assert.equal(await web.ask('tcp', farAddress, 443), `outside saw ${hostAddress}: hello`);
      });

      test('a forward with a bind address answers there and nowhere else', async () => {
        assert.equal(await lab.outside.ask('tcp', hostAddress, 8081), `guest1 saw ${outsideAddress}: hello`);
        assert.equal(await askTcp('127.0.0.1', 8081, 'hello', 2000), 'ECONNREFUSED');
        assert.equal(await other.ask('tcp', gateway, 8081), 'ECONNREFUSED');
      });

      test('a forward bound to 127.0.0.1 is reached from the host alone', async () => {
        assert.equal(await askTcp('127.0.0.1', 8082, 'hello', 2000), `guest1 saw ${gateway}: hello`);
        assert.equal(await lab.outside.ask('tcp', hostAddress, 8082), 'ECONNREFUSED');
        assert.equal(await other.ask('tcp', gateway, 8082), 'ECONNREFUSED');
      });

      test('a VM reaches its own forward', async () => {
        assert.equal(await web.ask('tcp', hostAddress, 8080), `guest1 saw ${gateway}: hello`);
      });
    });
  }
});

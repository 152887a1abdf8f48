import './support/own-namespace.ts';
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { createCommandRunner } from '../../../src/adapters/host/create-command-runner.ts';
import type { NetworkSettings } from '../../../src/ports/host-network.ts';
import { type Lab, openLab, runner, sh, succeeds } from './support/lab.ts';

describe('bridge, taps and subnets', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
    await lab.network.teardown(lab.signal);
  });
  after(() => lab.close());
  // By one that knows of no taps: those that a test made go too.
  afterEach(() => lab.another().teardown(lab.signal));

  const link = (name: string) => JSON.parse(sh(`ip -j -d addr show dev ${name}`))[0];
  const at = (settings: Partial<NetworkSettings>) => lab.another({ settings: { ...lab.settings, ...settings } });

  test('IP forwarding is switched on when it is off, is told once, and is never switched off', async () => {
    const file = '/proc/sys/net/ipv4/ip_forward';
    sh(`echo 0 >${file}`);
    assert.match((await lab.network.ensure(lab.signal)).join(), /IP forwarding was switched on/);
    assert.deepEqual(await lab.network.ensure(lab.signal), []);
    await lab.network.teardown(lab.signal);
    assert.equal(sh(`cat ${file}`), '1\n');
  });

  for (const [subnet, gateway] of [
    ['172.16.0.0/16', '172.16.0.1/16'],
    ['10.9.8.0/24', '10.9.8.1/24'],
    ['10.9.8.16/28', '10.9.8.17/28'],
    ['10.9.8.36/30', '10.9.8.37/30'],
  ] as const) {
    test(`the bridge has the first host address of ${subnet} and the MTU of the way out`, async () => {
      await at({ subnet }).ensure(lab.signal);
      const bridge = link('vmm-br0');
      assert.equal(bridge.mtu, 1400);
      const ipv4 = bridge.addr_info.filter(({ family }: { family: string }) => family === 'inet');
      assert.deepEqual(
        ipv4.map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`),
        [gateway],
      );
      assert.equal(bridge.linkinfo.info_data.stp_state, 0);
    });
  }

  test('without a default route the MTU is 1500', async () => {
    sh('ip route delete default');
    await lab.network.ensure(lab.signal);
    assert.equal(link('vmm-br0').mtu, 1500);
    sh('ip route add default via 198.51.100.2');
  });

  test('a changed subnet replaces the address of a bridge of ours', async () => {
    await lab.network.ensure(lab.signal);
    await at({ subnet: '10.9.8.0/24' }).ensure(lab.signal);
    assert.match(sh('ip -br -4 addr show dev vmm-br0'), / 10\.9\.8\.1\/24 *$/m);
  });

  test('the MAC of the bridge stays the same with taps, without them and after it was made anew', async () => {
    await lab.network.ensure(lab.signal);
    const { address } = link('vmm-br0');
    await lab.network.addTap('vmmt1', lab.signal);
    assert.equal(link('vmm-br0').address, address);
    await lab.network.removeTap('vmmt1', lab.signal);
    await lab.network.teardown(lab.signal);
    await lab.network.ensure(lab.signal);
    assert.equal(link('vmm-br0').address, address);
  });

  test('a subnet that an interface of the host has is refused, with its name and what to type', async () => {
    sh('ip link add name corp0 type bridge; ip addr add 172.16.5.1/24 dev corp0; ip link set corp0 up');
    await assert.rejects(lab.network.ensure(lab.signal), {
      code: 'subnet_conflict',
      message: /172\.16\.0\.0\/16 .* corp0/,
      hint: /vmm config set subnet /,
    });
    assert.equal(succeeds('ip link show vmm-br0'), false);
    sh('ip link delete corp0');
  });

  test('a subnet that a route of the host leads into is refused; default routes in two halves are not', async () => {
    sh('ip route add 172.16.0.0/12 dev up0');
    await assert.rejects(lab.network.reconcile([], lab.signal), { code: 'subnet_conflict', message: / on up0/ });
    sh('ip route delete 172.16.0.0/12; ip route add 128.0.0.0/1 dev up0');
    await lab.network.ensure(lab.signal);
    sh('ip route delete 128.0.0.0/1 dev up0');
  });

  test('a conflict that comes later is told by diagnose and does not stop what runs', async () => {
    await lab.network.ensure(lab.signal);
    sh('ip route add 172.16.7.0/24 dev up0');
    await lab.network.ensure(lab.signal);
    const finding = (await lab.network.diagnose(lab.signal)).find(({ name }) => name === 'bridge and subnet');
    assert.equal(finding?.ok, false);
    assert.match(finding?.summary ?? '', /172\.16\.7\.0\/24 on up0/);
    sh('ip route delete 172.16.7.0/24');
  });

  test('a bridge that somebody else uses is refused and left as it was, also by teardown', async () => {
    sh('ip link add name vmm-br0 type bridge; ip addr add 192.168.77.1/24 dev vmm-br0');
    await assert.rejects(lab.network.ensure(lab.signal), { code: 'network_failed', hint: /bridge_name/ });
    await lab.network.teardown(lab.signal);
    assert.match(sh('ip -br addr show vmm-br0'), /192\.168\.77\.1/);
    sh('ip link delete vmm-br0');
  });

  test('a tap is persistent, up, on the bridge and has its MTU', async () => {
    await lab.network.ensure(lab.signal);
    assert.equal(await lab.network.addTap('vmmt1', lab.signal), 1400);
    const tap = link('vmmt1');
    assert.equal(tap.master, 'vmm-br0');
    assert.equal(tap.mtu, 1400);
    assert.ok(tap.flags.includes('UP'));
    assert.equal(tap.linkinfo.info_data.persist, true);
    assert.equal(tap.linkinfo.info_data.multi_queue, false);
    await lab.network.removeTap('vmmt1', lab.signal);
    await lab.network.removeTap('vmmt1', lab.signal);
    assert.equal(succeeds('ip link show vmmt1'), false);
  });

  test('a tap that is left from before is taken over, even one of another kind', async () => {
    await lab.network.ensure(lab.signal);
    sh('ip tuntap add dev vmmt1 mode tap multi_queue; ip link set vmmt1 mtu 9000');
    assert.equal(await lab.network.addTap('vmmt1', lab.signal), 1400);
    assert.equal(link('vmmt1').linkinfo.info_data.multi_queue, false);
    assert.equal(link('vmmt1').master, 'vmm-br0');
  });

  test('a tap that an old VMM process still holds is taken over', async (t) => {
    if ((await runner.which('qemu-system-x86_64')) === undefined) return t.skip('qemu-system-x86 is not installed');
    await lab.network.ensure(lab.signal);
    await lab.network.addTap('vmmt1', lab.signal);
    const qemu = startQemu('vmmt1');
    try {
      await untilTrue(() => link('vmmt1').flags.includes('LOWER_UP'));
      await lab.network.addTap('vmmt1', lab.signal);
      assert.equal(link('vmmt1').flags.includes('LOWER_UP'), false);
      const second = startQemu('vmmt1');
      try {
        await untilTrue(() => link('vmmt1').flags.includes('LOWER_UP'));
      } finally {
        second.kill('SIGKILL');
      }
    } finally {
      qemu.kill('SIGKILL');
    }
  });

  test('without /dev/net/tun the error names the device and the module', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vmm-tun-'));
    const network = lab.another({ paths: { tunDevice: join(directory, 'tun') } });
    await network.ensure(lab.signal);
    await assert.rejects(network.addTap('vmmt1', lab.signal), {
      code: 'host_device_missing',
      message: /tun cannot be opened/,
      hint: /modprobe tun/,
    });
    rmSync(directory, { recursive: true });
  });

  test('a host without iproute2 or nftables is told which package to install', async () => {
    const bare = lab.another({ runner: createCommandRunner({ path: '/nonexistent' }) });
    await assert.rejects(bare.ensure(lab.signal), { code: 'host_program_missing', hint: /iproute2/ });
    const findings = await bare.diagnose(lab.signal);
    assert.match(findings.find(({ name }) => name === 'nftables')?.hint ?? '', /nftables/);
  });

  test('without root nothing is tried', async () => {
    const network = lab.another({ isRoot: () => false });
    await assert.rejects(network.ensure(lab.signal), { code: 'not_root' });
    await assert.rejects(network.addTap('vmmt1', lab.signal), { code: 'not_root' });
    assert.equal(succeeds('ip link show vmm-br0'), false);
  });

  test('reconcile removes the taps that no VM has, and puts those of VMs back on a bridge that was made anew', async () => {
    await lab.network.ensure(lab.signal);
    await lab.another().addTap('vmmt1', lab.signal);
    await lab.another().addTap('vmmt2', lab.signal);
    const member = { vmId: 'a', name: 'a', tap: 'vmmt1', mac: '52:54:00:00:00:01', ip: '172.16.0.2', forwards: [] };
    await lab.network.reconcile([member], lab.signal);
    assert.equal(succeeds('ip link show vmmt2'), false);
    sh('ip link delete vmm-br0');
    await lab.network.reconcile([member], lab.signal);
    assert.equal(link('vmmt1').master, 'vmm-br0');
    await lab.network.removeMember(member, lab.signal);
  });

  test('neither reconcile nor teardown touches the tap of a VM that is starting', async () => {
    await lab.network.ensure(lab.signal);
    await lab.network.addTap('vmmt1', lab.signal);
    await lab.network.reconcile([], lab.signal);
    await lab.network.teardown(lab.signal);
    assert.equal(link('vmmt1').master, 'vmm-br0');
    await lab.network.removeTap('vmmt1', lab.signal);
  });

  test('a VM that starts while the last one goes has its bridge', async () => {
    await lab.network.reconcile([], lab.signal);
    for (let round = 0; round < 5; round++) {
      await Promise.all([lab.network.teardown(lab.signal), lab.network.addTap('vmmt1', lab.signal)]);
      assert.equal(link('vmmt1').master, 'vmm-br0');
      assert.match(sh('nft list tables'), /table inet vmm_vmm-br0/);
      await lab.network.removeTap('vmmt1', lab.signal);
    }
  });

  test('eight taps can be made at once', async () => {
    await lab.network.ensure(lab.signal);
    const taps = Array.from({ length: 8 }, (_, index) => `vmmt${index}`);
    await Promise.all(taps.map((tap) => lab.network.addTap(tap, lab.signal)));
    for (const tap of taps) assert.equal(link(tap).master, 'vmm-br0');
    await Promise.all(taps.map((tap) => lab.network.removeTap(tap, lab.signal)));
  });

  test('with a host interface VMs go out by that alone, and one that does not exist is told', async () => {
    assert.deepEqual(await at({ hostInterface: 'up0' }).reconcile([], lab.signal), []);
    assert.match(sh('nft list chain inet vmm_vmm-br0 postrouting'), /oifname "up0" masquerade/);
    const wrong = at({ hostInterface: 'eth77' });
    assert.match((await wrong.reconcile([], lab.signal)).join(), /eth77 .* does not exist/);
    const finding = (await wrong.diagnose(lab.signal)).find(({ name }) => name === 'host interface');
    assert.match(finding?.hint ?? '', /vmm config set host_interface/);
  });

  test("the host's own addresses in the subnet are reserved", async () => {
    assert.deepEqual(await lab.network.reservedAddresses(lab.signal), ['172.16.0.1']);
    sh('ip addr add 172.16.9.9/32 dev lo');
    assert.deepEqual(await lab.network.reservedAddresses(lab.signal), ['172.16.0.1', '172.16.9.9']);
    sh('ip addr delete 172.16.9.9/32 dev lo');
  });

  test('teardown leaves no interface and no table, and may be repeated', async () => {
    const before = sh('ip -br link | cut -d" " -f1; nft list ruleset');
    await lab.network.reconcile([], lab.signal);
    await lab.another().addTap('vmmt1', lab.signal);
    await lab.network.teardown(lab.signal);
    await lab.network.teardown(lab.signal);
    assert.equal(sh('ip -br link | cut -d" " -f1; nft list ruleset'), before);
  });

  test('two instances live side by side, and the end of one leaves the other whole', async () => {
    const second = at({ bridge: 'vmm-br1', subnet: '10.9.8.0/24' });
    await lab.network.reconcile([], lab.signal);
    await second.reconcile([], lab.signal);
    await lab.network.teardown(lab.signal);
    assert.match(sh('nft list tables'), /^table inet vmm_vmm-br1\ntable bridge vmm_vmm-br1\n$/);
    assert.equal(link('vmm-br1').mtu, 1400);
    await second.teardown(lab.signal);
  });

  test('diagnose finds a healthy host, before and after the bridge is made', async () => {
    for (const prepare of [async () => undefined, () => lab.network.ensure(lab.signal)]) {
      await prepare();
      const findings = await lab.network.diagnose(lab.signal);
      assert.deepEqual(
        findings.filter(({ ok }) => !ok),
        [],
      );
      assert.ok(findings.length >= 6);
    }
  });
});

function startQemu(tap: string): ChildProcess {
  const nic = ['-netdev', `tap,id=n0,ifname=${tap},script=no,downscript=no`, '-device', 'virtio-net-device,netdev=n0'];
  const args = ['-M', 'microvm', '-accel', 'tcg', '-m', '64', '-nodefaults', '-nographic', '-S', ...nic];
  return spawn('qemu-system-x86_64', args, { stdio: 'ignore' });
}

async function untilTrue(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('it did not come true within 5 s');
}

import './support/own-namespace.ts';
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { farAddress, type Guest, hostAddress, type Lab, openLab, runner, sh, succeeds, tcp } from './support/lab.ts';

describe('beside the firewalls of others', () => {
  let lab: Lab;
  let web: Guest;
  let other: Guest;
  let scratch: string;

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'vmm-firewalls-'));
    lab = await openLab();
    web = await lab.addGuest(1, '172.16.0.2', [tcp(8080, 80)]);
    other = await lab.addGuest(2, '172.16.0.3');
    await web.serve('tcp', 80);
    await lab.outside.serve('tcp', 443);
  });
  after(async () => {
    await lab.close();
    rmSync(scratch, { recursive: true });
  });
  afterEach(() => {
    sh('nft flush ruleset');
  });

  const reconcile = () => lab.network.reconcile([web.member, other.member], lab.signal);
  const ensure = () => lab.network.ensure(lab.signal);

  /** Out, in, and from guest to guest. */
  async function passes(): Promise<boolean[]> {
    const timeoutMs = 500;
    const answers = [
      await other.ask('tcp', farAddress, 443, { timeoutMs }),
      await lab.outside.ask('tcp', hostAddress, 8080, { timeoutMs }),
      await other.ask('tcp', '172.16.0.2', 80, { timeoutMs }),
    ];
    return answers.map((answer) => / saw /.test(answer));
  }
  const all = [true, true, true];

  /** Everything is taken away, as far as the network is concerned, and what the firewall had before is left. */
  async function teardownLeaves(rules: () => string, expected: string): Promise<void> {
    const last = lab.another();
    await last.removeMember(web.member, lab.signal);
    // The veth pairs of the lab are no taps and stay, without their bridge.
    await last.teardown(lab.signal);
    assert.equal(rules(), expected);
    await reconcile();
  }

  async function finding(name: RegExp) {
    return (await lab.network.diagnose(lab.signal)).find(({ summary }) => name.test(summary));
  }

  const needs = async (t: { skip(why: string): void }, ...programs: string[]) => {
    for (const program of programs) {
      if ((await runner.which(program)) !== undefined) continue;
      t.skip(`${program} is not installed`);
      return false;
    }
    return true;
  };

  test("Docker's FORWARD DROP is answered in DOCKER-USER, put back when Docker took it away, and undone at the end", async (t) => {
    if (!(await needs(t, 'iptables'))) return;
    sh(
      'iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -A FORWARD -j DOCKER-USER',
    );
    const rules = () => sh('iptables -S');
    const before = rules();
    await reconcile();
    assert.deepEqual(await passes(), all);
    assert.match((await finding(/iptables/))?.summary ?? '', /lets VMs pass/);
    const once = rules();
    await ensure();
    assert.equal(rules(), once);

    sh('iptables -F DOCKER-USER; iptables -A DOCKER-USER -j RETURN');
    assert.notDeepEqual(await passes(), all);
    assert.equal((await finding(/iptables/))?.ok, false);
    await ensure();
    assert.deepEqual(await passes(), all);
    await teardownLeaves(rules, before);
  });

  test('a FORWARD chain of iptables that drops gets our rules itself', async (t) => {
    if (!(await needs(t, 'iptables'))) return;
    for (const drop of ['iptables -P FORWARD DROP', 'iptables -A FORWARD -j REJECT']) {
      sh(`iptables -P FORWARD ACCEPT; iptables -F FORWARD; ${drop}`);
      const rules = () => sh('iptables -S');
      const before = rules();
      await reconcile();
      assert.deepEqual(await passes(), all);
      await teardownLeaves(rules, before);
    }
  });

  test('a host whose FORWARD chain accepts gets no rule in it', async (t) => {
    if (!(await needs(t, 'iptables'))) return;
    await reconcile();
    assert.doesNotMatch(sh('iptables -S'), /vmm-br0/);
    assert.equal(succeeds('nft list table ip filter'), false);
  });

  test('ufw gets route rules, which last through its reload, and loses them at the end', async (t) => {
    if (!(await needs(t, 'ufw'))) return;
    sh(
      `mkdir ${scratch}/ufw; cp -a /etc/ufw/. ${scratch}/ufw; mount --bind ${scratch}/ufw /etc/ufw; ufw --force reset; ufw --force enable`,
    );
    try {
      const before = sh('ufw status');
      await reconcile();
      assert.deepEqual(await passes(), all);
      sh('ufw reload');
      assert.deepEqual(await passes(), all);
      assert.match((await finding(/ufw/))?.summary ?? '', /lets VMs pass/);
      await teardownLeaves(() => sh('ufw status'), before);
    } finally {
      sh('ufw --force disable; umount /etc/ufw');
    }
  });

  test('firewalld gets the bridge in its trusted zone, again after its reload, and loses it at the end', async (t) => {
    if (!(await needs(t, 'firewalld', 'firewall-cmd', 'dbus-daemon'))) return;
    sh(`mkdir ${scratch}/firewalld ${scratch}/log /run/dbus; cp -a /etc/firewalld/. ${scratch}/firewalld
        mount --bind ${scratch}/firewalld /etc/firewalld; mount --bind ${scratch}/log /var/log`);
    const services: ChildProcess[] = [];
    const start = (program: string, args: string[]) => services.push(spawn(program, args, { stdio: 'ignore' }));
    try {
      start('dbus-daemon', ['--system', '--nofork', '--nopidfile']);
      await untilTrue(() => succeeds('test -S /run/dbus/system_bus_socket'));
      start('firewalld', ['--nofork', '--nopid']);
      await untilTrue(() => succeeds('firewall-cmd --state'));
      sh('firewall-cmd --zone=public --add-interface=up0');
      await reconcile();
      assert.deepEqual(await passes(), all);
      sh('firewall-cmd --reload; firewall-cmd --zone=public --add-interface=up0');
      assert.notDeepEqual(await passes(), all);
      await ensure();
      assert.deepEqual(await passes(), all);
      assert.match((await finding(/firewalld/))?.summary ?? '', /lets VMs pass/);
      await teardownLeaves(() => sh('firewall-cmd --zone=trusted --list-interfaces').trim(), '');
    } finally {
      for (const service of services.reverse()) await ended(service);
      sh('umount /etc/firewalld /var/log');
    }
  });

  test('a drop in nftables rules of others is found by diagnose, with the rule to add', async () => {
    sh("nft 'table inet corporate { chain routed { type filter hook forward priority 5; policy drop; }; }'");
    await reconcile();
    assert.notDeepEqual(await passes(), all);
    const found = await finding(/corporate/);
    assert.equal(found?.ok, false);
    assert.match(found?.hint ?? '', /nft insert rule inet corporate routed iifname "vmm-br0" accept/);
    sh(
      'nft insert rule inet corporate routed iifname "vmm-br0" accept; nft insert rule inet corporate routed oifname "vmm-br0" accept',
    );
    assert.deepEqual(await passes(), all);
  });
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
  });
}

async function untilTrue(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('it did not come true within 10 s');
}

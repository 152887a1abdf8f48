import { VmmError } from '../../contract/errors.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { HostNetwork, NetworkMember, NetworkSettings } from '../../ports/host-network.ts';
import { ensureBridge, hostMtu } from './bridge.ts';
import { closeAllFlows, closeFlows } from './close-flows.ts';
import { diagnose } from './diagnose.ts';
import { assertInSubnet, elementId, elementsOf, elementText, uniqueElements } from './elements.ts';
import { notRoot } from './failure.ts';
import type { FirewallView } from './firewall-door.ts';
import { createFirewalldDoor } from './firewalld-door.ts';
import { createIp } from './ip.ts';
import { createIptablesDoor } from './iptables-door.ts';
import { createListenerTable, PortTaken } from './listener-table.ts';
import { listenerKey } from './local-listener.ts';
import { createNft } from './nft.ts';
import { contains, planNetwork } from './plan.ts';
import { renderChange, renderRemoval, renderRuleset } from './ruleset.ts';
import { createSerial } from './serial.ts';
import { conflicts, portInUse, readListeners } from './sockets.ts';
import { ensureForwarding } from './sysctl.ts';
import { addTap, assertTapName, isPort, makePort } from './tap.ts';
import { createUfwDoor, isUfwActive } from './ufw-door.ts';

/** Where the host keeps what we read and write; tests have their own. */
export interface HostPaths {
  readonly procSys: string;
  readonly tunDevice: string;
  readonly ufwDirectory: string;
}

export interface HostNetworkDeps {
  readonly runner: CommandRunner;
  readonly settings: NetworkSettings;
  readonly isRoot?: () => boolean;
  readonly paths?: Partial<HostPaths>;
}

const systemPaths: HostPaths = { procSys: '/proc/sys', tunDevice: '/dev/net/tun', ufwDirectory: '/etc/ufw' };

/**
 * The network of the host with iproute2 and nftables. The members are remembered, so that tables that somebody flushed
 * (`systemctl restart nftables`) come back whole at the next call. Changes run one after another.
 */
export function createHostNetwork(deps: HostNetworkDeps): HostNetwork {
  const { runner, settings } = deps;
  const isRoot = deps.isRoot ?? (() => process.geteuid?.() === 0);
  const paths = { ...systemPaths, ...deps.paths };
  const plan = planNetwork(settings);
  const ip = createIp(runner);
  const nft = createNft(runner);
  const doors = [
    createIptablesDoor(runner, plan.bridge),
    createUfwDoor(runner, plan.bridge, paths.ufwDirectory),
    createFirewalldDoor(runner, nft, plan.bridge),
  ];
  const listeners = createListenerTable();
  const inTurn = createSerial();
  const members = new Map<string, NetworkMember>();
  let mtu: number | undefined;

  const assertRoot = () => {
    if (!isRoot()) throw notRoot();
  };
  const view = async (signal: AbortSignal): Promise<FirewallView> => ({
    tables: await nft.tables(signal),
    ufwActive: await isUfwActive(paths.ufwDirectory),
  });
  const isOurTable = ({ family, name }: { family: string; name: string }) =>
    name === plan.table && (family === 'inet' || family === 'bridge');

  async function ensureHost(signal: AbortSignal): Promise<string[]> {
    assertRoot();
    mtu = await hostMtu(ip, signal);
    await ensureBridge(ip, plan, { mtu, procSys: paths.procSys, signal });
    const notice = await ensureForwarding(paths.procSys);
    return notice === undefined ? [] : [notice];
  }

  async function openDoors(seen: FirewallView, signal: AbortSignal): Promise<string[]> {
    const notices: string[] = [];
    for (const door of doors) notices.push(...(await door.open(seen, signal)));
    return notices;
  }

  async function swapTables(signal: AbortSignal): Promise<readonly string[]> {
    const { elements, refused } = uniqueElements([...members.values()]);
    await nft.apply(renderRuleset(plan, elements), signal);
    return refused.map((claim) => `A forward or address of ${claim} belongs to another VM already and was left out.`);
  }

  /** Taps that no member has are removed; the others get back what a bridge that was made anew has lost. */
  async function sweepPorts(signal: AbortSignal): Promise<void> {
    const taps = new Set([...members.values()].map(({ tap }) => tap));
    const ports = await ip.ports(plan.bridge, signal);
    for (const port of ports) {
      if (!taps.has(port.ifname) && port.linkinfo?.info_kind === 'tun') await ip.removeLink(port.ifname, signal);
    }
    const onBridge = new Map(ports.map((port) => [port.ifname, port]));
    const adrift = [...taps].filter((tap) => !isPort(plan, onBridge.get(tap)));
    if (adrift.length === 0) return;
    // The VM of a tap that is gone has ended, or soon will be found to have.
    const present = new Set((await ip.links(signal)).map(({ ifname }) => ifname));
    for (const tap of adrift) if (present.has(tap)) await makePort(ip, plan, tap, signal);
  }

  async function holderOf({ wanted }: PortTaken, signal: AbortSignal): Promise<string | undefined> {
    const found = await readListeners(runner, signal).catch(() => []);
    return found.find((listener) => conflicts(wanted.forward, listener))?.program;
  }

  const sameElement = (a: ReturnType<typeof elementsOf>[number]) => `${elementId(a)} ${elementText(a)}`;

  return {
    reconcile: (wanted, signal) =>
      inTurn(async () => {
        const notices = await ensureHost(signal);
        for (const member of wanted) assertTapName(plan, member.tap);
        members.clear();
        for (const member of wanted) members.set(member.vmId, member);
        notices.push(...(await swapTables(signal)));
        await sweepPorts(signal);
        notices.push(...(await openDoors(await view(signal), signal)));
        for (const taken of await listeners.replaceAll(wanted)) {
          const { forward, vmName, at } = taken.wanted;
          const holder = (await holderOf(taken, signal)) ?? 'a program of the host';
          notices.push(
            `The forward ${forward.hostPort}:${forward.guestPort} of ${vmName} does not work from ${at.address}: the port is taken by ${holder}.`,
          );
        }
        return notices;
      }),

    ensure: (signal) =>
      inTurn(async () => {
        const notices = await ensureHost(signal);
        const seen = await view(signal);
        if (seen.tables.filter(isOurTable).length < 2) notices.push(...(await swapTables(signal)));
        notices.push(...(await openDoors(seen, signal)));
        return notices;
      }),

    async addTap(tap, signal) {
      assertRoot();
      mtu ??= await hostMtu(ip, signal);
      await addTap(ip, plan, tap, { mtu, procSys: paths.procSys, tunDevice: paths.tunDevice, signal });
      return mtu;
    },

    async removeTap(tap, signal) {
      assertTapName(plan, tap);
      await ip.removeLink(tap, signal);
    },

    addMember: (member, signal) =>
      inTurn(async () => {
        assertRoot();
        assertInSubnet(plan, member);
        const before = members.get(member.vmId);
        const old = before === undefined ? [] : elementsOf(before);
        const now = elementsOf(member);
        const kept = new Set(now.map(sameElement));
        const gone = old.filter((element) => !kept.has(sameElement(element)));
        try {
          await listeners.serve(member);
        } catch (thrown) {
          if (!(thrown instanceof PortTaken)) throw thrown;
          throw portInUse(thrown.wanted.forward, await holderOf(thrown, signal));
        }
        members.set(member.vmId, member);
        try {
          await nft.apply(renderChange(plan, gone, now), signal).catch(async (thrown: unknown) => {
            // Tables that were flushed by others come back whole; what is really wrong fails again.
            if (!isRefusal(thrown)) throw thrown;
            const { refused } = uniqueElements([...members.values()]);
            if (refused.length > 0) throw thrown;
            await swapTables(signal);
          });
        } catch (thrown) {
          if (before === undefined) members.delete(member.vmId);
          else members.set(member.vmId, before);
          await (before === undefined ? listeners.drop(member.vmId) : listeners.serve(before)).catch(() => undefined);
          throw thrown;
        }
        if (before !== undefined) await closeFlows(runner, before.ip, lostForwards(before, member), signal);
      }),

    removeMember: (member, signal) =>
      inTurn(async () => {
        assertRoot();
        const known = members.get(member.vmId);
        members.delete(member.vmId);
        await listeners.drop(member.vmId);
        const gone = new Map(
          [...elementsOf(member), ...(known === undefined ? [] : elementsOf(known))].map((element) => [
            sameElement(element),
            element,
          ]),
        );
        await nft.apply(renderChange(plan, [...gone.values()], []), signal).catch(async (thrown: unknown) => {
          if (!isRefusal(thrown)) throw thrown;
          // No tables, nothing to remove; else an element has come to belong to another VM, and the whole is put right.
          if ((await nft.tables(signal)).some(isOurTable)) await swapTables(signal);
        });
        await closeAllFlows(runner, member.ip, signal);
      }),

    async assertPortFree(forward, signal) {
      const taken = (await readListeners(runner, signal)).find(
        (listener) =>
          conflicts(forward, listener) &&
          !listeners.has(listenerKey(listener.protocol, listener.address, listener.port)),
      );
      if (taken !== undefined) throw portInUse(forward, taken.program);
    },

    async reservedAddresses(signal) {
      const links = await ip.addresses(signal);
      const local = links.flatMap(({ addr_info }) => addr_info.map((address) => address.local));
      return [...new Set([plan.gateway, ...local.filter((address) => contains(plan.subnet, address))])];
    },

    teardown: (signal) =>
      inTurn(async () => {
        assertRoot();
        if (members.size > 0) return;
        await listeners.closeAll();
        for (const door of doors) await door.close(signal);
        await nft.apply(renderRemoval(plan), signal);
        const bridge = await ip.link(plan.bridge, signal);
        if (bridge?.group !== String(plan.group)) return;
        await sweepPorts(signal);
        await ip.removeLink(plan.bridge, signal);
      }),

    diagnose: (signal) => diagnose({ runner, ip, nft, plan, paths, doors, view, isRoot }, signal),

    close: () => listeners.closeAll(),
  };
}

function lostForwards(before: NetworkMember, now: NetworkMember): NetworkMember['forwards'] {
  const text = JSON.stringify;
  const kept = new Set(before.ip === now.ip ? now.forwards.map((forward) => text(forward)) : []);
  return before.forwards.filter((forward) => !kept.has(text(forward)));
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof VmmError && thrown.code === 'network_failed';
}

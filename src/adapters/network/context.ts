import type { CommandRunner } from '../../ports/command-runner.ts';
import type { NetworkMember, NetworkSettings } from '../../ports/host-network.ts';
import { notRoot } from './failure.ts';
import type { FirewallDoor, FirewallView } from './firewall-door.ts';
import { createFirewalldDoor } from './firewalld-door.ts';
import { createIp, type Ip } from './ip.ts';
import { createIptablesDoor } from './iptables-door.ts';
import { createListenerTable, type ListenerTable } from './listener-table.ts';
import { createNft, type Nft } from './nft.ts';
import { type NetworkPlan, planNetwork } from './plan.ts';
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

/** What the verbs of the network share. */
export interface Context {
  readonly runner: CommandRunner;
  readonly plan: NetworkPlan;
  readonly paths: HostPaths;
  readonly ip: Ip;
  readonly nft: Nft;
  readonly doors: readonly FirewallDoor[];
  readonly listeners: ListenerTable;
  /** The members by VM id, so that tables that somebody flushed (`systemctl restart nftables`) can be made whole again. */
  readonly members: Map<string, NetworkMember>;
  /** Taps made for VMs that are no members yet: reconcile must not take them for left-overs. */
  readonly newTaps: Set<string>;
  readonly isRoot: () => boolean;
}

const systemPaths: HostPaths = { procSys: '/proc/sys', tunDevice: '/dev/net/tun', ufwDirectory: '/etc/ufw' };

export function createContext({ runner, settings, isRoot, paths }: HostNetworkDeps): Context {
  const plan = planNetwork(settings);
  const nft = createNft(runner);
  const places = { ...systemPaths, ...paths };
  return {
    runner,
    plan,
    paths: places,
    ip: createIp(runner),
    nft,
    doors: [
      createIptablesDoor(runner, plan.bridge),
      createUfwDoor(runner, plan.bridge, places.ufwDirectory),
      createFirewalldDoor(runner, nft, plan.bridge),
    ],
    listeners: createListenerTable(),
    members: new Map(),
    newTaps: new Set(),
    isRoot: isRoot ?? (() => process.geteuid?.() === 0),
  };
}

export function assertRoot({ isRoot }: Context): void {
  if (!isRoot()) throw notRoot();
}

export async function viewFirewalls({ nft, paths }: Context, signal: AbortSignal): Promise<FirewallView> {
  return { tables: await nft.tables(signal), ufwActive: await isUfwActive(paths.ufwDirectory) };
}

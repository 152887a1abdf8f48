import type { NetworkMember } from '../../ports/host-network.ts';
import { ensureBridge, hostMtu } from './bridge.ts';
import { assertRoot, type Context, viewFirewalls } from './context.ts';
import type { FirewallView } from './firewall-door.ts';
import type { Ip } from './ip.ts';
import type { NetworkPlan } from './plan.ts';
import { holderOf } from './sockets.ts';
import { ensureForwarding } from './sysctl.ts';
import { ourTables, swapTables } from './tables.ts';
import { assertTapName, isPort, makePort } from './tap.ts';

/** Makes the host hold exactly these members. Returns notices. */
export async function reconcile(
  context: Context,
  wanted: readonly NetworkMember[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { plan, members, newTaps, listeners, runner } = context;
  const notices = await ensureHost(context, signal);
  for (const member of wanted) assertTapName(plan, member.tap);
  members.clear();
  for (const member of wanted) {
    members.set(member.vmId, member);
    newTaps.delete(member.tap);
  }
  notices.push(...(await swapTables(context, signal)));
  await sweepPorts(context, signal);
  notices.push(...(await openDoors(context, await viewFirewalls(context, signal), signal)));
  for (const { wanted: listener } of await listeners.replaceAll(wanted)) {
    const { forward, vmName, at } = listener;
    const holder = (await holderOf(runner, forward, signal)) ?? 'a program of the host';
    notices.push(
      `The forward ${forward.hostPort}:${forward.guestPort} of ${vmName} does not work from ${at.address}: the port is taken by ${holder}.`,
    );
  }
  return notices;
}

/** Makes whole what is missing, and changes nothing else. Returns notices. */
export async function ensure(context: Context, signal: AbortSignal): Promise<readonly string[]> {
  const notices = await ensureHost(context, signal);
  const view = await viewFirewalls(context, signal);
  if (ourTables(context, view.tables).length < 2) notices.push(...(await swapTables(context, signal)));
  notices.push(...(await openDoors(context, view, signal)));
  return notices;
}

async function ensureHost(context: Context, signal: AbortSignal): Promise<string[]> {
  assertRoot(context);
  const { ip, plan, paths } = context;
  const mtu = await hostMtu(ip, signal);
  await ensureBridge(ip, plan, { mtu, procSys: paths.procSys, signal });
  const notices = [await ensureForwarding(paths.procSys), await missingHostInterface(ip, plan, signal)];
  return notices.filter((notice) => notice !== undefined);
}

/** A sentence when the chosen way out does not exist. It may come later (a VPN, a USB card), so this is no error. */
export async function missingHostInterface(
  ip: Ip,
  { hostInterface }: NetworkPlan,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (hostInterface === '' || (await ip.link(hostInterface, signal)) !== undefined) return undefined;
  return `VMs reach no other network: the interface ${hostInterface} (setting host_interface) does not exist.`;
}

async function openDoors({ doors }: Context, view: FirewallView, signal: AbortSignal): Promise<string[]> {
  const notices: string[] = [];
  for (const door of doors) notices.push(...(await door.open(view, signal)));
  return notices;
}

/** Taps that no member has are removed; the others get back what a bridge that was made anew has lost. */
export async function sweepPorts({ ip, plan, members, newTaps }: Context, signal: AbortSignal): Promise<void> {
  const taps = new Set([...members.values()].map(({ tap }) => tap));
  const ports = await ip.ports(plan.bridge, signal);
  for (const { ifname, linkinfo } of ports) {
    const stray = linkinfo?.info_kind === 'tun' && !taps.has(ifname) && !newTaps.has(ifname);
    if (stray) await ip.removeLink(ifname, signal);
  }
  const onBridge = new Map(ports.map((port) => [port.ifname, port]));
  const adrift = [...taps].filter((tap) => !isPort(plan, onBridge.get(tap)));
  if (adrift.length === 0) return;
  // The VM of a tap that is gone has ended, or soon will be found to have.
  const present = new Set((await ip.links(signal)).map(({ ifname }) => ifname));
  for (const tap of adrift) if (present.has(tap)) await makePort(ip, plan, tap, signal);
}

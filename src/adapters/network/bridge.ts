import { VmmError } from '../../contract/errors.ts';
import { findConflict, subnetConflict } from './conflict.ts';
import type { Ip, Link } from './ip.ts';
import type { NetworkPlan } from './plan.ts';
import { disableIpv6 } from './sysctl.ts';

/** The largest MTU of a tap (the kernel's tun driver), and what to take when the host has no default route. */
const largestMtu = 65_521;
const usualMtu = 1500;

/** MTU of the interface of the default route, so that no packet of a guest is too large for the way out. */
export async function hostMtu(ip: Ip, signal: AbortSignal): Promise<number> {
  const route = await ip.defaultRoute(signal);
  const device = route?.dev ?? route?.nexthops[0]?.dev;
  const link = device === undefined ? undefined : await ip.link(device, signal);
  return Math.min(link?.mtu ?? usualMtu, largestMtu);
}

/** Makes the bridge, or brings one of ours into the wanted shape. Measures first: nothing is changed when all is well. */
export async function ensureBridge(
  ip: Ip,
  plan: NetworkPlan,
  options: { readonly mtu: number; readonly procSys: string; readonly signal: AbortSignal },
): Promise<void> {
  const { mtu, procSys, signal } = options;
  const { bridge } = plan;
  const action = `The bridge ${bridge} could not be made`;
  const found = await ip.link(bridge, signal);
  if (found !== undefined) await assertOurs(ip, plan, found, signal);
  const address = `${plan.gateway}/${plan.prefix}`;
  const present = (found?.addr_info ?? [])
    .filter(({ family }) => family === 'inet')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  // Asked only before the address is given: a VPN that comes later must not keep running VMs from being managed.
  if (!present.includes(address)) await assertNoConflict(ip, plan, signal);

  if (found === undefined) {
    const shape = ['address', plan.mac, 'mtu', String(mtu), 'group', String(plan.group)];
    const kind = ['type', 'bridge', 'stp_state', '0', 'forward_delay', '0'];
    await ip.change(action, ['link', 'add', 'name', bridge, ...shape, ...kind], signal);
  }
  if (found === undefined || !found.flags.includes('UP')) await disableIpv6(procSys, bridge);
  for (const other of present.filter((one) => one !== address)) {
    await ip.change(action, ['addr', 'delete', other, 'dev', bridge], signal);
  }
  if (!present.includes(address)) await ip.change(action, ['addr', 'add', address, 'dev', bridge], signal);
  const right =
    found?.flags.includes('UP') &&
    found.mtu === mtu &&
    found.address === plan.mac &&
    found.group === String(plan.group) &&
    found.linkinfo?.info_data?.stp_state === 0;
  if (right) return;
  const shape = ['mtu', String(mtu), 'address', plan.mac, 'group', String(plan.group)];
  await ip.change(action, ['link', 'set', 'dev', bridge, ...shape, 'up', 'type', 'bridge', 'stp_state', '0'], signal);
}

async function assertNoConflict(ip: Ip, plan: NetworkPlan, signal: AbortSignal): Promise<void> {
  const [links, routes] = await Promise.all([ip.addresses(signal), ip.routes(signal)]);
  const conflict = findConflict(plan, links, routes);
  if (conflict !== undefined) throw subnetConflict(plan, conflict);
}

/** A bridge that somebody else made and uses (docker0, a br0 with the host's own card) must not come under our rules. */
async function assertOurs(ip: Ip, plan: NetworkPlan, found: Link, signal: AbortSignal): Promise<void> {
  const isBridge = found.linkinfo?.info_kind === 'bridge';
  if (isBridge && found.group === String(plan.group)) return;
  const unused = isBridge && !found.addr_info.some(({ family }) => family === 'inet');
  if (unused && (await ip.ports(plan.bridge, signal)).length === 0) return;
  throw new VmmError('network_failed', `The interface ${plan.bridge} exists already and is not vmm's.`, {
    hint: 'Choose another name: vmm config set bridge_name vmm-br1',
  });
}

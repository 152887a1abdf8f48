import { asVmmError, VmmError } from '../../contract/errors.ts';
import type { HostNetwork } from '../../ports/host-network.ts';
import { findConflict, subnetConflict } from './conflict.ts';
import { type Context, viewFirewalls } from './context.ts';
import { missingHostInterface } from './reconcile.ts';
import { renderRuleset } from './ruleset.ts';
import { isForwarding } from './sysctl.ts';
import { assertTunDevice } from './tap.ts';

type Finding = Awaited<ReturnType<HostNetwork['diagnose']>>[number];

/** Looks and changes nothing. A check that cannot be made is a finding, not an error. */
export async function diagnose(context: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const checks: readonly (readonly [string, () => Promise<readonly Finding[]>])[] = [
    ['tun device', () => checkTun(context)],
    ['bridge and subnet', () => checkBridge(context, signal)],
    ['host interface', () => checkHostInterface(context, signal)],
    ['IP forwarding', () => checkForwarding(context)],
    ['nftables', () => checkNftables(context, signal)],
    ['socket listing', () => checkSockets(context)],
    ['other firewalls', () => checkFirewalls(context, signal)],
  ];
  const findings: Finding[] = [];
  for (const [name, check] of checks) {
    try {
      findings.push(...(await check()));
    } catch (thrown) {
      signal.throwIfAborted();
      const { message, hint } = asVmmError(thrown);
      findings.push({ name, ok: false, summary: message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return findings;
}

async function checkTun({ paths }: Context): Promise<readonly Finding[]> {
  await assertTunDevice(paths.tunDevice);
  return [{ name: 'tun device', ok: true, summary: `${paths.tunDevice} opens` }];
}

async function checkBridge({ ip, plan }: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = 'bridge and subnet';
  const [links, routes, bridge] = await Promise.all([
    ip.addresses(signal),
    ip.routes(signal),
    ip.link(plan.bridge, signal),
  ]);
  const conflict = findConflict(plan, links, routes);
  if (conflict !== undefined) throw subnetConflict(plan, conflict);
  if (bridge === undefined)
    return [{ name, ok: true, summary: `${plan.bridge} with ${plan.cidr} is made at the first start` }];
  const ours = bridge.group === String(plan.group);
  if (ours)
    return [{ name, ok: true, summary: `${plan.bridge} has ${plan.gateway}/${plan.prefix}, MTU ${bridge.mtu}` }];
  const hint = 'If another program uses it, choose another name: vmm config set bridge_name vmm-br1';
  return [{ name, ok: false, summary: `${plan.bridge} exists and is not vmm's`, hint }];
}

async function checkHostInterface({ ip, plan }: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = 'host interface';
  const missing = await missingHostInterface(ip, plan, signal);
  if (missing !== undefined) {
    const hint = 'Let vmm use every interface: vmm config set host_interface ""';
    return [{ name, ok: false, summary: missing, hint }];
  }
  const summary = plan.hostInterface === '' ? 'VMs go out by every interface' : `VMs go out by ${plan.hostInterface}`;
  return [{ name, ok: true, summary }];
}

async function checkForwarding({ paths }: Context): Promise<readonly Finding[]> {
  const on = await isForwarding(paths.procSys);
  return [{ name: 'IP forwarding', ok: true, summary: on ? 'on' : 'off; switched on at the first start' }];
}

async function checkNftables({ nft, plan, isRoot }: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = 'nftables';
  if (!isRoot()) return [{ name, ok: false, summary: 'can be checked by root only', hint: 'Run: sudo vmm doctor' }];
  await nft.check(renderRuleset(plan, []), signal).catch((thrown: unknown) => {
    if (!(thrown instanceof VmmError) || thrown.code !== 'network_failed') throw thrown;
    throw new VmmError('network_failed', `The kernel does not take vmm's rules: ${thrown.detail ?? thrown.message}`, {
      hint: 'Load the modules: modprobe -a nf_tables nft_chain_nat nft_fib_inet nft_masq nf_tables_bridge',
      cause: thrown,
    });
  });
  const strangers = (await nft.chains(signal)).filter(
    (chain) =>
      chain.hook === 'forward' &&
      chain.policy === 'drop' &&
      // iptables keeps its rules in these; its door answers for them, as firewalld's does for its own.
      !(chain.family === 'ip' && chain.name === 'FORWARD') &&
      !['ip6', 'arp'].includes(chain.family) &&
      chain.table !== 'firewalld' &&
      chain.table !== plan.table,
  );
  return [
    { name, ok: true, summary: "the kernel takes vmm's rules" },
    ...strangers.map(({ family, table, name: chain }) => ({
      name: 'foreign nftables rules',
      ok: false,
      summary: `the chain ${chain} of table ${family} ${table} drops what it does not know, which may cut VMs off`,
      hint: `If it does: nft insert rule ${family} ${table} ${chain} iifname "${plan.bridge}" accept, and the same with oifname`,
    })),
  ];
}

async function checkSockets({ runner }: Context): Promise<readonly Finding[]> {
  const found = await runner.which('ss');
  const name = 'socket listing';
  if (found !== undefined) return [{ name, ok: true, summary: 'ss finds the ports that are taken' }];
  return [{ name, ok: false, summary: 'ss is missing', hint: 'Run: apt-get install iproute2' }];
}

async function checkFirewalls(context: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const { doors, ip, plan, isRoot } = context;
  const name = 'other firewalls';
  if (!isRoot()) return [{ name, ok: false, summary: 'can be checked by root only', hint: 'Run: sudo vmm doctor' }];
  const seen = await viewFirewalls(context, signal);
  const inUse = (await ip.link(plan.bridge, signal)) !== undefined;
  const findings: Finding[] = [];
  for (const door of doors) {
    const state = await door.inspect(seen, signal);
    if (state === undefined) continue;
    if (state.passes) findings.push({ name, ok: true, summary: `${door.name} lets VMs pass` });
    else if (!inUse)
      findings.push({
        name,
        ok: true,
        summary: `${door.name} is active; vmm asks it to let VMs pass at the first start`,
      });
    else
      findings.push({
        name,
        ok: false,
        summary: `${door.name} may stop VMs`,
        hint: 'The next start of a VM puts it right.',
      });
  }
  return findings.length > 0 ? findings : [{ name, ok: true, summary: 'none stands in the way' }];
}

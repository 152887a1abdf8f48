import { open } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import { reasonOf } from './failure.ts';
import type { Ip, Link } from './ip.ts';
import { isInterfaceName, type NetworkPlan } from './plan.ts';
import { disableIpv6 } from './sysctl.ts';

export interface TapOptions {
  readonly mtu: number;
  readonly procSys: string;
  readonly tunDevice: string;
  readonly signal: AbortSignal;
}

/**
 * A persistent tap on the bridge. One queue, no flags: every engine sets IFF_VNET_HDR itself when it attaches (tun_set_iff in
 * the kernel's drivers/net/tun.c takes the flags of the last one to attach). One that is left from before is made anew, so that
 * a VMM process that still holds it is cut off.
 */
export async function addTap(ip: Ip, plan: NetworkPlan, tap: string, options: TapOptions): Promise<void> {
  const { signal } = options;
  assertTapName(plan, tap);
  await assertTunDevice(options.tunDevice);
  const action = `The tap ${tap} could not be made`;
  if ((await ip.link(tap, signal)) !== undefined) await ip.removeLink(tap, signal);
  await ip.change(action, ['tuntap', 'add', 'dev', tap, 'mode', 'tap'], signal);
  try {
    await disableIpv6(options.procSys, tap);
    await ip.change(action, ['link', 'set', 'dev', tap, 'mtu', String(options.mtu)], signal);
    await makePort(ip, plan, tap, signal);
  } catch (thrown) {
    // The caller's signal may have ended the call; the removal has a deadline of its own.
    await ip.removeLink(tap, new AbortController().signal).catch(() => undefined);
    throw thrown;
  }
}

/** Puts an interface on the bridge as a port of ours. The kernel takes the port's own options only once it is a port. */
export async function makePort(ip: Ip, plan: NetworkPlan, name: string, signal: AbortSignal): Promise<void> {
  const action = `The tap ${name} could not be put on the bridge`;
  const shape = ['master', plan.bridge, 'group', String(plan.group), 'up'];
  await ip.change(action, ['link', 'set', 'dev', name, ...shape], signal);
  await ip.change(action, ['link', 'set', 'dev', name, 'type', 'bridge_slave', 'hairpin', 'on'], signal);
}

/** Whether a port of the bridge is as makePort leaves it. */
export function isPort(plan: NetworkPlan, port: Link | undefined): boolean {
  const reflects = port?.linkinfo?.info_slave_data?.hairpin === true;
  return reflects && port.group === String(plan.group) && port.flags.includes('UP');
}

export function assertTapName(plan: NetworkPlan, tap: string): void {
  if (isInterfaceName(tap) && tap !== plan.bridge) return;
  throw new VmmError('internal', `"${tap}" is no name for a tap.`);
}

export async function assertTunDevice(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r+');
    await handle.close();
  } catch (thrown) {
    throw new VmmError('host_device_missing', `${path} cannot be opened: ${reasonOf(thrown)}`, {
      hint: 'Load the driver: modprobe tun',
      cause: thrown,
    });
  }
}

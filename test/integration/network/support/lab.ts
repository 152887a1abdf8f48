import { execFileSync } from 'node:child_process';
import { createCommandRunner } from '../../../../src/adapters/host/create-command-runner.ts';
import type { HostNetworkDeps } from '../../../../src/adapters/network/context.ts';
import { createHostNetwork } from '../../../../src/adapters/network/host-network.ts';
import { planNetwork } from '../../../../src/adapters/network/plan.ts';
import type { Forward } from '../../../../src/contract/resources/vm.ts';
import type { HostNetwork, NetworkMember, NetworkSettings } from '../../../../src/ports/host-network.ts';
import { openStation, type Station } from './station.ts';

/**
 * The host is the namespace of the test itself. Beyond its interface `up0` (198.51.100.1, MTU 1400) is the namespace `outside`
 * (198.51.100.2), which holds a far server (203.0.113.9) and knows no way to VMs. Guests are namespaces whose end of a veth pair
 * stands on the bridge in place of a tap.
 */
export const hostAddress = '198.51.100.1';
export const outsideAddress = '198.51.100.2';
export const farAddress = '203.0.113.9';
export const runner = createCommandRunner();

export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Whether a command ends well. */
export function succeeds(command: string): boolean {
  try {
    sh(command);
    return true;
  } catch {
    return false;
  }
}

export interface Guest extends Station {
  readonly namespace: string;
  readonly member: NetworkMember;
}

export interface Lab {
  readonly network: HostNetwork;
  readonly settings: NetworkSettings;
  readonly outside: Station;
  readonly signal: AbortSignal;
  /** A guest on the bridge. It is no member yet. */
  addGuest(number: number, ip: string, forwards?: readonly Forward[]): Promise<Guest>;
  /** Another adapter on the same host, as after a restart of the daemon. */
  another(deps?: Partial<HostNetworkDeps>): HostNetwork;
  close(): Promise<void>;
}

let outsideMade = false;

function makeOutside(): void {
  if (outsideMade) return;
  outsideMade = true;
  sh(`mount --make-rprivate /; mount -t tmpfs none /run; mkdir /run/netns
      ip link set lo up
      ip netns add outside
      ip link add up0 mtu 1400 type veth peer name eth0 netns outside mtu 1400
      ip addr add ${hostAddress}/24 dev up0; ip link set up0 up
      ip -n outside addr add ${outsideAddress}/24 dev eth0
      ip -n outside addr add ${farAddress}/32 dev lo
      ip -n outside link set lo up; ip -n outside link set eth0 up
      ip route add default via ${outsideAddress}`);
}

export async function openLab(chosen: Partial<NetworkSettings> = {}): Promise<Lab> {
  makeOutside();
  const settings = { bridge: 'vmm-br0', subnet: '172.16.0.0/16', hostInterface: '', ...chosen };
  const plan = planNetwork(settings);
  const opened: HostNetwork[] = [];
  const another = (deps: Partial<HostNetworkDeps> = {}) => {
    const network = createHostNetwork({ runner, settings, ...deps });
    opened.push(network);
    return network;
  };
  const network = another();
  const outside = openStation('outside');
  const guests: Guest[] = [];
  const signal = AbortSignal.timeout(100_000);

  return {
    network,
    settings,
    outside,
    signal,
    another,
    async addGuest(number, ip, forwards = []) {
      const namespace = `guest${number}`;
      const mac = `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`;
      const tap = `tap${number}`;
      await network.ensure(signal);
      sh(`ip netns add ${namespace}
          ip link add ${tap} mtu 1400 type veth peer name eth0 netns ${namespace} mtu 1400
          ip link set ${tap} master ${settings.bridge} group ${plan.group} up
          ip link set ${tap} type bridge_slave hairpin on
          ip -n ${namespace} link set lo up
          ip -n ${namespace} link set eth0 address ${mac} up
          ip -n ${namespace} addr add ${ip}/${plan.prefix} dev eth0
          ip -n ${namespace} route add default via ${plan.gateway}`);
      const member = { vmId: `id${number}`, name: namespace, tap, mac, ip, forwards };
      const guest = { ...openStation(namespace), namespace, member };
      guests.push(guest);
      return guest;
    },
    async close() {
      for (const guest of guests) {
        guest.close();
        await network.removeMember(guest.member, signal);
        sh(`ip link delete ${guest.member.tap} 2>/dev/null || true; ip netns delete ${guest.namespace}`);
      }
      outside.close();
      for (const one of opened) await one.close();
      await another().teardown(signal);
    },
  };
}

export function tcp(hostPort: number, guestPort: number, bind = '0.0.0.0'): Forward {
  return { protocol: 'tcp', bind, hostPort, guestPort };
}

export function udp(hostPort: number, guestPort: number, bind = '0.0.0.0'): Forward {
  return { protocol: 'udp', bind, hostPort, guestPort };
}

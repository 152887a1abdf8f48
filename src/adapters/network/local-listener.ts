import type { Forward } from '../../contract/resources/vm.ts';
import type { NetworkMember } from '../../ports/host-network.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface LocalListener {
  /** Ends the listener and what it carries. */
  close(): Promise<void>;
}

/** A listener that a forward wants. */
export interface WantedListener {
  readonly key: string;
  readonly vmId: string;
  readonly vmName: string;
  readonly forward: Forward;
  readonly at: Endpoint;
  readonly guest: Endpoint;
  /** The host may lack this address (IPv6 switched off, an address not yet given): then there is nothing to listen on. */
  readonly mayLackAddress: boolean;
}

/**
 * The local listeners of a VM. A forward on every address, or on 127.0.0.1, is served on both localhosts. One on another
 * address is served by DNAT, and its listener only keeps the port from being taken.
 */
export function wantedListeners(member: NetworkMember): readonly WantedListener[] {
  return member.forwards.flatMap((forward) => {
    const { bind, protocol, hostPort, guestPort } = forward;
    const addresses = bind === '0.0.0.0' || bind === '127.0.0.1' ? ['127.0.0.1', '::1'] : [bind];
    return addresses.map((address) => ({
      key: listenerKey(protocol, address, hostPort),
      vmId: member.vmId,
      vmName: member.name,
      forward,
      at: { address, port: hostPort },
      guest: { address: member.ip, port: guestPort },
      mayLackAddress: !address.startsWith('127.'),
    }));
  });
}

export function listenerKey(protocol: string, address: string, port: number): string {
  return `${protocol} ${address} ${port}`;
}

import type { Forward } from '../contract/resources/vm.ts';

/** One VM as the network sees it. */
export interface NetworkMember {
  readonly vmId: string;
  readonly name: string;
  readonly tap: string;
  readonly mac: string;
  readonly ip: string;
  readonly forwards: readonly Forward[];
}

export interface NetworkSettings {
  readonly bridge: string;
  /** Network in CIDR form, such as 172.16.0.0/16; the bridge has its first host address. */
  readonly subnet: string;
  /** Interface of the default route; empty: masquerade on every interface but the bridge. */
  readonly hostInterface: string;
}

export interface HostNetwork {
  /** Makes the bridge, forwarding and our nftables tables hold exactly `members`: one transaction; foreign taps of ours are removed. Returns notices for people (such as "IP forwarding was switched on"). Errors: subnet_conflict, network_failed, host_program_missing, not_root. */
  reconcile(members: readonly NetworkMember[], signal: AbortSignal): Promise<readonly string[]>;
  /** Bridge, forwarding and tables exist; cheap when they do. Same errors and notices as reconcile. */
  ensure(signal: AbortSignal): Promise<readonly string[]>;
  /** Makes the tap and puts it on the bridge; takes over one that is left. Returns the MTU. Errors: host_device_missing (/dev/net/tun), network_failed. */
  addTap(tap: string, signal: AbortSignal): Promise<number>;
  /** Idempotent. */
  removeTap(tap: string, signal: AbortSignal): Promise<void>;
  /** Makes the rules (anti-spoofing, forwards, localhost listeners) of one VM those of `member`: forwards that it had before and has no more end, the others are not disturbed. Idempotent; on failure it is as before. Errors: port_in_use, network_failed. */
  addMember(member: NetworkMember, signal: AbortSignal): Promise<void>;
  /** Idempotent. */
  removeMember(member: NetworkMember, signal: AbortSignal): Promise<void>;
  /** Throws port_in_use when a program on the host listens there (names it where it can). */
  assertPortFree(forward: Forward, signal: AbortSignal): Promise<void>;
  /** Addresses that answer in the subnet although they are none of ours are not asked; this lists the host's own addresses in the subnet. */
  reservedAddresses(signal: AbortSignal): Promise<readonly string[]>;
  /** Removes bridge and tables when no member, and no tap of a VM that is starting, is left. Idempotent; never switches IP forwarding off. */
  teardown(signal: AbortSignal): Promise<void>;
  /** Findings for `vmm doctor`. */
  diagnose(
    signal: AbortSignal,
  ): Promise<
    readonly { readonly name: string; readonly ok: boolean; readonly summary: string; readonly hint?: string }[]
  >;
  /** Closes the localhost listeners; rules stay. */
  close(): Promise<void>;
}

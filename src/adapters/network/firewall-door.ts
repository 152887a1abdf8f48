import type { NftTable } from './nft.ts';

/** What is asked once per reconcile and shared by the doors. */
export interface FirewallView {
  readonly tables: readonly NftTable[];
  readonly ufwActive: boolean;
}

/**
 * A firewall that others own. Its drop wins over any accept of our tables, so what VMs need is asked for at its own door: it is
 * put back when its owner reloaded, and taken away at teardown. Neither throws for a fault of the firewall: what went wrong is
 * told as a notice, for the VMs may well work without.
 */
export interface FirewallDoor {
  readonly name: string;
  /** Lets the bridge's traffic pass. Cheap when it does. Returns notices. */
  open(view: FirewallView, signal: AbortSignal): Promise<readonly string[]>;
  close(signal: AbortSignal): Promise<void>;
  /** For doctor: undefined when this firewall does not stand in the way of VMs. */
  inspect(view: FirewallView, signal: AbortSignal): Promise<{ readonly passes: boolean } | undefined>;
}

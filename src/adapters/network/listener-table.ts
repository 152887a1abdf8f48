import type { NetworkMember } from '../../ports/host-network.ts';
import { networkFailure, systemCode } from './failure.ts';
import { type LocalListener, type WantedListener, wantedListeners } from './local-listener.ts';
import { listenTcp } from './tcp-listener.ts';
import { listenUdp } from './udp-listener.ts';

/** The open local listeners by protocol, address and port. */
export interface ListenerTable {
  has(key: string): boolean;
  /** Makes the listeners of one VM those of its forwards. Throws PortTaken or network_failed, and then closes those that it opened. */
  serve(member: NetworkMember): Promise<void>;
  /** Like serve for all, but a port that is taken is told and left out. */
  replaceAll(members: readonly NetworkMember[]): Promise<readonly PortTaken[]>;
  drop(vmId: string): Promise<void>;
  closeAll(): Promise<void>;
}

/** Another program of the host listens where a forward wants to. */
export class PortTaken extends Error {
  readonly wanted: WantedListener;
  constructor(wanted: WantedListener, cause: unknown) {
    super(`${wanted.key} is taken`, { cause });
    this.wanted = wanted;
  }
}

interface Held {
  readonly vmId: string;
  readonly target: string;
  readonly listener: LocalListener;
}

export function createListenerTable(): ListenerTable {
  const held = new Map<string, Held>();

  const targetOf = ({ vmId, guest }: WantedListener) => `${vmId} ${guest.address} ${guest.port}`;
  const close = async (key: string) => {
    const one = held.get(key);
    held.delete(key);
    await one?.listener.close();
  };
  /** Closes what the VM no longer wants, and what now leads elsewhere. */
  const closeUnwanted = async (isOf: (vmId: string) => boolean, wanted: readonly WantedListener[]) => {
    const kept = new Map(wanted.map((one) => [one.key, targetOf(one)]));
    const unwanted = [...held].filter(([key, { vmId, target }]) => isOf(vmId) && kept.get(key) !== target);
    await Promise.all(unwanted.map(([key]) => close(key)));
  };
  /** False when it was open already. */
  const open = async (wanted: WantedListener): Promise<boolean> => {
    if (held.get(wanted.key)?.target === targetOf(wanted)) return false;
    const listen = wanted.forward.protocol === 'tcp' ? listenTcp : listenUdp;
    try {
      const listener = await listen(wanted.at, wanted.guest);
      held.set(wanted.key, { vmId: wanted.vmId, target: targetOf(wanted), listener });
      return true;
    } catch (cause) {
      const lacks = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(systemCode(cause) ?? '');
      if (lacks && wanted.mayLackAddress) return false;
      if (systemCode(cause) === 'EADDRINUSE') throw new PortTaken(wanted, cause);
      throw networkFailure(`The host port ${wanted.at.port} could not be opened on ${wanted.at.address}`, cause);
    }
  };

  return {
    has: (key) => held.has(key),
    async serve(member) {
      const wanted = wantedListeners(member);
      await closeUnwanted((id) => id === member.vmId, wanted);
      const opened: string[] = [];
      try {
        for (const one of wanted) if (await open(one)) opened.push(one.key);
      } catch (thrown) {
        await Promise.all(opened.map(close));
        throw thrown;
      }
    },
    async replaceAll(members) {
      await closeUnwanted(() => true, members.flatMap(wantedListeners));
      const taken: PortTaken[] = [];
      for (const member of members) {
        for (const one of wantedListeners(member)) {
          await open(one).catch((thrown: unknown) => {
            if (!(thrown instanceof PortTaken)) throw thrown;
            taken.push(thrown);
          });
        }
      }
      return taken;
    },
    async drop(vmId) {
      await closeUnwanted((id) => id === vmId, []);
    },
    async closeAll() {
      await closeUnwanted(() => true, []);
    },
  };
}

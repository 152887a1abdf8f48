import type { HostNetwork } from '../../ports/host-network.ts';
import { hostMtu } from './bridge.ts';
import { assertRoot, createContext, type HostNetworkDeps } from './context.ts';
import { diagnose } from './diagnose.ts';
import { listenerKey } from './local-listener.ts';
import { addMember, removeMember } from './members.ts';
import { contains } from './plan.ts';
import { ensure, reconcile } from './reconcile.ts';
import { createSerial } from './serial.ts';
import { conflicts, portInUse, readListeners } from './sockets.ts';
import { addTap, assertTapName } from './tap.ts';
import { teardown } from './teardown.ts';

/** The network of the host with iproute2 and nftables. Throws invalid_config for settings that cannot be used. */
export function createHostNetwork(deps: HostNetworkDeps): HostNetwork {
  const context = createContext(deps);
  const { runner, plan, paths, ip, listeners, newTaps } = context;
  /** Changes of rules run one after another; taps need not wait. */
  const inTurn = createSerial();

  return {
    reconcile: (members, signal) => inTurn(() => reconcile(context, members, signal)),
    ensure: (signal) => inTurn(() => ensure(context, signal)),
    addMember: (member, signal) => inTurn(() => addMember(context, member, signal)),
    removeMember: (member, signal) => inTurn(() => removeMember(context, member, signal)),
    teardown: (signal) => inTurn(() => teardown(context, signal)),
    diagnose: (signal) => diagnose(context, signal),
    close: () => inTurn(() => listeners.closeAll()),

    async addTap(tap, signal) {
      assertRoot(context);
      assertTapName(plan, tap);
      newTaps.add(tap);
      try {
        // A teardown under way may take the bridge with it; one that comes later sees the new tap.
        await inTurn(async () => {
          if ((await ip.link(plan.bridge, signal)) === undefined) await ensure(context, signal);
        });
        const mtu = await hostMtu(ip, signal);
        await addTap(ip, plan, tap, { mtu, procSys: paths.procSys, tunDevice: paths.tunDevice, signal });
        return mtu;
      } catch (thrown) {
        newTaps.delete(tap);
        throw thrown;
      }
    },

    async removeTap(tap, signal) {
      assertTapName(plan, tap);
      newTaps.delete(tap);
      await ip.removeLink(tap, signal);
    },

    async assertPortFree(forward, signal) {
      const taken = (await readListeners(runner, signal)).find(
        (listener) =>
          conflicts(forward, listener) &&
          !listeners.has(listenerKey(listener.protocol, listener.address, listener.port)),
      );
      if (taken !== undefined) throw portInUse(forward, taken.program);
    },

    async reservedAddresses(signal) {
      const links = await ip.addresses(signal);
      const local = links.flatMap(({ addr_info }) => addr_info.map((address) => address.local));
      return [...new Set([plan.gateway, ...local.filter((address) => contains(plan.subnet, address))])];
    },
  };
}

import type { CommandRunner } from '../../ports/command-runner.ts';
import { reasonOf } from './failure.ts';
import type { FirewallDoor, FirewallView } from './firewall-door.ts';
import type { Nft } from './nft.ts';

/** firewall-cmd is a Python program that talks over D-Bus. */
const timeoutMs = 30_000;

/**
 * firewalld drops what passes between zones unless one of them accepts all. The zone `trusted` does, and every firewalld has it. The
 * bridge enters it at run time only, so firewalld forgets it at a reload and we put it back; a bridge that the administrator
 * gave a zone of his own stays there. Whether firewalld runs, and knows the bridge, is read from its table, not from the program.
 */
export function createFirewalldDoor(runner: CommandRunner, nft: Nft, bridge: string): FirewallDoor {
  const tableOf = (view: FirewallView) =>
    view.tables.find(({ family, name }) => family === 'inet' && name === 'firewalld');
  const knows = async (view: FirewallView, signal: AbortSignal) => {
    const table = tableOf(view);
    return table !== undefined && (await nft.tableText(table, signal)).includes(`"${bridge}"`);
  };
  const change = (verb: 'add' | 'remove', okCodes: readonly number[], signal: AbortSignal) => {
    const args = ['--quiet', '--zone=trusted', `--${verb}-interface=${bridge}`];
    return runner.run({ program: 'firewall-cmd', args, okCodes, timeoutMs, signal });
  };

  return {
    name: 'firewalld',
    async open(view, signal) {
      if (tableOf(view) === undefined || (await knows(view, signal))) return [];
      try {
        await change('add', [0], signal);
        return [];
      } catch (thrown) {
        signal.throwIfAborted();
        return [
          `VMs may not reach other networks: firewalld did not take the bridge into a zone (${reasonOf(thrown)}).`,
        ];
      }
    },
    async close(signal) {
      const view = { tables: await nft.tables(signal), ufwActive: false };
      // Not ours to remove from a zone other than trusted; firewall-cmd then answers with a code above 0.
      if (await knows(view, signal))
        await change(
          'remove',
          Array.from({ length: 256 }, (_, code) => code),
          signal,
        );
    },
    async inspect(view, signal) {
      return tableOf(view) === undefined ? undefined : { passes: await knows(view, signal) };
    },
  };
}

import type { CommandRunner } from '../../ports/command-runner.ts';
import { reasonOf } from './failure.ts';
import type { FirewallDoor, FirewallView } from './firewall-door.ts';
import type { Nft } from './nft.ts';

/** firewall-cmd is a Python program that talks over D-Bus. */
const timeoutMs = 30_000;
/** Its exit code for an interface that the zone does not have (UNKNOWN_INTERFACE in firewalld's errors.py). */
const unknownInterface = 17;

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
      const table = tableOf({ tables: await nft.tables(signal), ufwActive: false });
      // From a zone other than trusted it is not ours to remove.
      const trusted = `"${bridge}" goto filter_IN_trusted`;
      if (table === undefined || !(await nft.tableText(table, signal)).includes(trusted)) return;
      await change('remove', [0, unknownInterface], signal);
    },
    async inspect(view, signal) {
      return tableOf(view) === undefined ? undefined : { passes: await knows(view, signal) };
    },
  };
}

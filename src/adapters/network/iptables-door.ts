import type { CommandRunner } from '../../ports/command-runner.ts';
import { reasonOf } from './failure.ts';
import type { FirewallDoor, FirewallView } from './firewall-door.ts';

const timeoutMs = 15_000;
/** Seconds to wait for the lock that others of iptables hold (Docker changes rules in bursts). */
const lock = ['-w', '10'];

/**
 * Docker sets FORWARD to DROP and leaves the chain DOCKER-USER for others' rules; it is ours to use only while FORWARD leads to
 * it. Without Docker, a FORWARD chain of iptables that drops or rejects gets our rules itself. ufw's is left to ufw.
 */
export function createIptablesDoor(runner: CommandRunner, bridge: string): FirewallDoor {
  const matches = [
    ['-i', bridge],
    ['-o', bridge],
  ];
  /** The rules of the table filter as `iptables -S` prints them; none when iptables is missing or cannot work here. */
  async function rules(signal: AbortSignal): Promise<readonly string[]> {
    if ((await runner.which('iptables')) === undefined) return [];
    const listing = { program: 'iptables', args: [...lock, '-S'], okCodes: [0, 1, 2, 3, 4], timeoutMs, signal };
    const { exitCode, stdout } = await runner.run(listing);
    return exitCode === 0 ? stdout.split('\n').map((line) => line.trim()) : [];
  }
  const ruleOf = (chain: string, match: readonly string[]) => [chain, ...match, '-j', 'ACCEPT'];
  const has = (lines: readonly string[], rule: readonly string[]) => lines.includes(`-A ${rule.join(' ')}`);

  return {
    name: 'iptables',
    async open(view, signal) {
      const lines = await rules(signal);
      const chain = chainInTheWay(lines, view);
      if (chain === undefined) return [];
      try {
        for (const rule of matches.map((match) => ruleOf(chain, match))) {
          if (!has(lines, rule))
            await runner.run({ program: 'iptables', args: [...lock, '-I', ...rule], timeoutMs, signal });
        }
        return [];
      } catch (thrown) {
        signal.throwIfAborted();
        return [`VMs may not reach other networks: the chain ${chain} of iptables took no rule (${reasonOf(thrown)}).`];
      }
    },
    async close(signal) {
      const lines = await rules(signal);
      const ours = ['DOCKER-USER', 'FORWARD'].flatMap((chain) => matches.map((match) => ruleOf(chain, match)));
      for (const rule of ours.filter((one) => has(lines, one))) {
        // Code 1: gone in the meantime.
        const args = [...lock, '-D', ...rule];
        await runner.run({ program: 'iptables', args, okCodes: [0, 1], timeoutMs, signal });
      }
    },
    async inspect(view, signal) {
      const lines = await rules(signal);
      const chain = chainInTheWay(lines, view);
      if (chain === undefined) return undefined;
      return { passes: matches.every((match) => has(lines, ruleOf(chain, match))) };
    },
  };
}

/** The chain that must let VMs pass; undefined when none stands in their way. */
export function chainInTheWay(lines: readonly string[], view: FirewallView): 'DOCKER-USER' | 'FORWARD' | undefined {
  if (lines.includes('-A FORWARD -j DOCKER-USER')) return 'DOCKER-USER';
  if (view.ufwActive) return undefined;
  const drops = lines.some((line) => line === '-P FORWARD DROP' || /^-A FORWARD (.* )?-j (DROP|REJECT)\b/.test(line));
  return drops ? 'FORWARD' : undefined;
}

import { readFile } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessIdentity } from '../../ports/command-runner.ts';
import type { ProcessTable } from '../../ports/process-table.ts';
import { bootIdPath, type ProcStat, parseProcStat } from './proc-stat.ts';

/** A process that outlives SIGKILL this long hangs in the kernel (state D), and waiting on would hang us too. */
const killDeadlineMs = 10_000;
const longestPauseMs = 100;

/** Node has no pidfd, so ends are found by polling, soon at first and then ever more seldom. */
export function createProcessTable({ clock }: { readonly clock: Clock }): ProcessTable {
  let boot: Promise<string> | undefined;
  const bootId = () => {
    boot ??= readFile(bootIdPath, 'utf8').then((text) => text.trim());
    return boot;
  };

  const isAlive = async (identity: ProcessIdentity) => {
    if (identity.bootId !== (await bootId())) return false;
    const stat = await readStat(identity.pid);
    return stat !== undefined && stat.startTicks === identity.startTicks && !'ZXx'.includes(stat.state);
  };

  const kill = async (identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL') => {
    if (!(await isAlive(identity))) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return;
      throw new VmmError('permission_denied', `Process ${identity.pid} may not be signalled.`, { cause: error });
    }
  };

  const endsWithin = async (identity: ProcessIdentity, ms: number) => {
    const deadline = performance.now() + ms;
    for (let pause = 2; await isAlive(identity); pause = Math.min(2 * pause, longestPauseMs)) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await clock.sleep(Math.min(pause, left));
    }
    return true;
  };

  return {
    bootId,
    isAlive,
    kill,
    async identify(pid) {
      const stat = await readStat(pid);
      if (stat === undefined || 'ZXx'.includes(stat.state)) return undefined;
      return { pid, startTicks: stat.startTicks, bootId: await bootId() };
    },
    async terminate(identity, graceMs) {
      await kill(identity, 'SIGTERM');
      if (await endsWithin(identity, graceMs)) return;
      await kill(identity, 'SIGKILL');
      if (await endsWithin(identity, killDeadlineMs)) return;
      throw new VmmError('command_timeout', `Process ${identity.pid} does not end although it was killed.`, {
        hint: `See what it waits for: cat /proc/${identity.pid}/stack`,
      });
    },
  };
}

async function readStat(pid: number): Promise<ProcStat | undefined> {
  try {
    return parseProcStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // ENOENT, or ESRCH when it went away while we read.
    return undefined;
  }
}

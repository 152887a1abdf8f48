import type { Context } from '../engine/context.ts';
import { trimLogs } from '../engine/host/trim-logs.ts';
import type { Logger } from './logger.ts';

const trimEveryMs = 5_000;
const ensureEveryMs = 60_000;
const ensureDeadlineMs = 30_000;

/** What a host with running VMs needs again and again: short logs, and rules that others may have flushed. */
export function startUpkeep(context: Context, logger: Logger): Disposable {
  const chores = [
    repeat(trimEveryMs, 'A console log could not be trimmed.', () => trimLogs(context)),
    // `nft flush ruleset`, or a reload of Docker or firewalld, takes our rules along. Looking costs 18 ms with 100 VMs.
    repeat(ensureEveryMs, 'The network could not be looked after.', async () => {
      if (context.handles.size > 0) await context.network.ensure(AbortSignal.timeout(ensureDeadlineMs));
    }),
  ];

  function repeat(everyMs: number, complaint: string, work: () => Promise<void>): NodeJS.Timeout {
    return setInterval(() => {
      work().catch((error: unknown) => logger.warn({ err: error }, complaint));
    }, everyMs).unref();
  }

  return {
    [Symbol.dispose]() {
      for (const chore of chores) clearInterval(chore);
    },
  };
}

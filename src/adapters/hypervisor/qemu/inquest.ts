import type { VmExit, VmmRecord } from '../../../ports/hypervisor.ts';
import { consoleTailOfRun } from './console-log.ts';
import { type ExitEvidence, exitCauseOf } from './exit-cause.ts';
import { fileTail } from './file-tail.ts';
import { runtimeFiles } from './runtime-files.ts';

const engineTailBytes = 16 * 1024;

/** What a run leaves behind to judge its end by, beside what was heard of it. */
export async function judge(
  record: VmmRecord,
  heard: Pick<ExitEvidence, 'shutdownReason' | 'asked' | 'watched'>,
): Promise<VmExit> {
  return exitCauseOf({
    ...heard,
    consoleTail: await consoleTailOfRun(record.consoleLogPath),
    engineTail: await fileTail(`${record.runtimeDir}/${runtimeFiles.log}`, engineTailBytes),
  });
}

/** The cause of an end that nobody watched. */
export function inquest(record: VmmRecord): Promise<VmExit> {
  return judge(record, { shutdownReason: undefined, asked: undefined, watched: false });
}

/** The two fields of /proc/PID/stat that we need: state is field 3, starttime field 22 (proc(5)). */
export interface ProcStat {
  readonly state: string;
  readonly startTicks: number;
}

export function parseProcStat(text: string): ProcStat | undefined {
  // The program's name (field 2) may hold spaces and parentheses, so count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = Number(fields[19]);
  return state === undefined || !Number.isInteger(startTicks) ? undefined : { state, startTicks };
}

/** Changes with every boot of the host. */
export const bootIdPath = '/proc/sys/kernel/random/boot_id';

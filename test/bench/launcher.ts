/** One way from nothing to a guest that ran a command by ssh. Only `launch` is timed. */
export interface Launcher {
  readonly name: string;
  prepare(): Promise<void>;
  /** Ends when the first ssh command in the guest has succeeded. */
  launch(): Promise<void>;
  /** Ends the guest and removes what prepare and launch made. */
  clear(): Promise<void>;
}

/** Runs the launchers in turn, so that a slow minute of the machine falls on all of them alike. */
export async function alternate(
  launchers: readonly Launcher[],
  rounds: number,
  onRun: (name: string, ms: number) => void,
): Promise<Map<string, number[]>> {
  const times = new Map(launchers.map((launcher) => [launcher.name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const launcher of launchers) {
      try {
        await launcher.prepare();
        const begun = performance.now();
        await launcher.launch();
        const ms = performance.now() - begun;
        times.get(launcher.name)?.push(ms);
        onRun(launcher.name, ms);
      } finally {
        await launcher.clear();
      }
    }
  }
  return times;
}

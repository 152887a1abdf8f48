/** Starts programs of the host. adapters/host implements it; every other adapter is handed one. */

/** A program call. Arguments are an array; nothing passes through a shell. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to a small clean environment (PATH, LANG=C.UTF-8, HOME), never to the caller's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array | NodeJS.ReadableStream;
  /** Whole time allowed; the program gets SIGTERM, then SIGKILL. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Exit codes that are no failure; default [0]. */
  readonly okCodes?: readonly number[];
  /** Called for each line of stderr and stdout as it comes, for progress. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Identity of a process that survives pid reuse and reboots. `startTicks`: field 22 of /proc/PID/stat (proc(5)). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly bootId: string;
}

/** A program that outlives the daemon: own session, stdin from /dev/null, output to a file. */
export interface DetachedCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** stdout and stderr are appended here; created 0600. */
  readonly outputPath: string;
}

/** A running program whose output streams to the caller. */
export interface StreamedProcess {
  readonly stdout: NodeJS.ReadableStream;
  /** Resolves at the program's good end; rejects with command_failed (stderr's tail in detail), command_timeout or aborted. */
  readonly done: Promise<void>;
}

export interface CommandRunner {
  /** Runs to the end. Errors: host_program_missing (hint: package), command_failed (detail: stderr's tail), command_timeout, aborted. */
  run(command: Command): Promise<CommandResult>;
  /** Runs with stdout as a byte stream. Same errors, by `done`. */
  stream(command: Command): StreamedProcess;
  /** Starts a program that outlives us. Errors: host_program_missing. */
  startDetached(command: DetachedCommand): Promise<ProcessIdentity>;
  /** Absolute path of a program, searched in PATH and the sbin directories. */
  which(program: string): Promise<string | undefined>;
}

import type { Client } from '../client/client.ts';
import type { EffectiveConfig } from './config/effective.ts';
import type { CommonOptions } from './leaf.ts';

/** What a command is handed: the caller's terminal and environment, and the ways to the daemon. */
export interface Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Fires at the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** The common options of the command that runs. */
  options: CommonOptions;
  exitCode: number;
  /** Throws invalid_config. */
  config(): Promise<EffectiveConfig>;
  /** A client of the running daemon, which is started when none answers. Errors: not_root, daemon_unreachable, daemon_version. */
  client(): Promise<Client>;
  /** A client of a daemon that runs already; undefined when none does. Errors: not_root, daemon_version. */
  runningClient(): Promise<Client | undefined>;
  /** Runs `work` while Ctrl-C belongs to a program on our terminal; `wasInterrupted` says whether one came. */
  lendTerminal<T>(work: (wasInterrupted: () => boolean) => Promise<T>): Promise<T>;
}

/** Prints the result: `value` with --json, else `text`. */
export function print(cli: Cli, value: unknown, text: string): void {
  if (cli.options.json === true) cli.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else if (text !== '') cli.stdout.write(`${text}\n`);
}

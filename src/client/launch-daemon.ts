import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromProblem, isErrorCode, VmmError } from '../contract/errors.ts';
import { startDaemonHint } from './rights-hint.ts';

export interface LaunchedDaemon {
  /** undefined while it runs. */
  exitCode(): number | undefined;
  /** Why it ended, from what it logged since its start. */
  failure(): VmmError;
}

/** Of the caller's environment nothing is taken: a daemon lives longer than the shell it came from. */
const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
};

/** Starts the daemon in a session of its own, with its output at the end of its log. */
export function launchDaemon(command: readonly string[], logPath: string): LaunchedDaemon {
  const log = openLog(logPath);
  const offset = fstatSync(log).size;
  const [program, ...args] = command;
  if (program === undefined) throw new VmmError('internal', 'The command that starts the daemon is empty.');
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], cwd: '/', env: environment });
  child.unref();
  closeSync(log);
  let spawnError: Error | undefined;
  child.on('error', (error) => {
    spawnError = error;
  });
  return {
    exitCode: () => (spawnError === undefined ? exitCodeOf(child) : 127),
    failure: () => failureFrom(logPath, offset, spawnError),
  };
}

function exitCodeOf(child: ChildProcess): number | undefined {
  return child.exitCode ?? (child.signalCode === null ? undefined : 128);
}

function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    const denied = cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM');
    if (denied) {
      throw new VmmError('not_root', `You may not write to the data directory (${path}).`, {
        hint: startDaemonHint(),
        cause,
      });
    }
    throw new VmmError('storage_failed', `The daemon’s log ${path} cannot be opened.`, { cause });
  }
}

/** A daemon that cannot start logs its error as `problem` (see daemon/run.ts); without one, the log's tail must do. */
function failureFrom(logPath: string, offset: number, cause: Error | undefined): VmmError {
  const tail = readTail(logPath, offset);
  for (const line of tail.split('\n').reverse()) {
    const problem = problemIn(line);
    if (problem !== undefined) return problem;
  }
  return new VmmError('daemon_unreachable', 'The daemon did not start.', {
    hint: `Its log is ${logPath}`,
    detail: tail.split('\n').slice(-20).join('\n'),
    cause,
  });
}

function problemIn(line: string): VmmError | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || !('problem' in entry)) return undefined;
    // Written by our own daemon; a code we do not know is passed over.
    const problem = entry.problem as Parameters<typeof fromProblem>[0];
    return isErrorCode(problem.code) ? fromProblem(problem) : undefined;
  } catch {
    return undefined;
  }
}

function readTail(path: string, offset: number): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    // Smaller than before: it was rotated meanwhile, and all of it is new.
    const from = Math.max(size < offset ? 0 : offset, size - 16_384);
    const buffer = Buffer.alloc(size - from);
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8').trimEnd();
  } finally {
    closeSync(file);
  }
}

import { closeSync, existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { VmmError } from '../../contract/errors.ts';
import type { Command } from '../../ports/command-runner.ts';
import { cleanEnvironment } from './environment.ts';
import { hostProgramMissing } from './program-packages.ts';
import { stdinFile } from './stdin-file.ts';

const defaultTimeoutMs = 30_000;
/** Between SIGTERM and SIGKILL, and between SIGKILL and giving up on pipes that a runaway grandchild holds open. */
const killGraceMs = 2_000;
/** How long a run waits for pipes that outlive the program, such as those of a helper that it left in the background. */
const pipeGraceMs = 1_000;

export interface Outcome {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stoppedFor: 'abort' | 'timeout' | undefined;
}

export interface Supervised {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program and its pipes have ended; rejects with host_program_missing, command_failed or aborted when it could not start. */
  readonly ended: Promise<Outcome>;
}

/**
 * Starts a program as the leader of its own process group, so that a deadline or an abort ends its children as well.
 * `letGoOfPipes`: when the program has ended, do not wait for others that hold its output.
 */
export function supervise(command: Command, path: string, letGoOfPipes: boolean): Supervised {
  if (command.signal?.aborted === true) {
    const nothing = Readable.from([]);
    return { stdout: nothing, stderr: nothing, ended: Promise.reject(abortedError(command)) };
  }
  const input = stdinOption(command.stdin);
  const subprocess = execa(command.program, [...command.args], {
    env: cleanEnvironment(path, command.env),
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    encoding: 'buffer',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...input,
  });
  // The program has its own by now.
  if ('stdin' in input && typeof input.stdin === 'number') closeSync(input.stdin);
  const { stdout, stderr, pid } = subprocess;

  let stoppedFor: Outcome['stoppedFor'];
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, action: () => void) => timers.add(setTimeout(action, ms));
  const letGo = () => {
    stdout.destroy();
    stderr.destroy();
  };
  const stop = (reason: 'abort' | 'timeout') => {
    if (stoppedFor !== undefined || pid === undefined) return;
    stoppedFor = reason;
    signalGroup(pid, 'SIGTERM');
    later(killGraceMs, () => {
      signalGroup(pid, 'SIGKILL');
      later(killGraceMs, letGo);
    });
  };
  const onAbort = () => stop('abort');
  command.signal?.addEventListener('abort', onAbort, { once: true });
  later(command.timeoutMs ?? defaultTimeoutMs, () => stop('timeout'));
  subprocess.once('exit', () => {
    if (stoppedFor !== undefined && pid !== undefined) signalGroup(pid, 'SIGKILL');
    if (letGoOfPipes || stoppedFor !== undefined) later(pipeGraceMs, letGo);
  });

  const ended = subprocess.then(
    (result): Outcome => {
      if (pid === undefined) throw startError(command, result);
      return { exitCode: result.exitCode, signal: result.signal, stoppedFor };
    },
    (error: unknown) => {
      throw startError(command, error);
    },
  );
  const settle = () => {
    for (const timer of timers) clearTimeout(timer);
    command.signal?.removeEventListener('abort', onAbort);
  };
  return { stdout, stderr, ended: ended.finally(settle) };
}

function stdinOption(stdin: Command['stdin']): { stdin: 'ignore' | 0 } | { input: Readable } {
  if (stdin === undefined) return { stdin: 'ignore' };
  // execa hands any descriptor to spawn; its types know 0 alone.
  if (typeof stdin === 'string' || stdin instanceof Uint8Array) return { stdin: stdinFile(stdin) as 0 };
  return { input: stdin instanceof Readable ? stdin : Readable.from(stdin) };
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone already.
  }
}

function startError(command: Command, error: unknown): VmmError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // A missing cwd answers ENOENT too.
  if (code === 'ENOENT' && (command.cwd === undefined || existsSync(command.cwd))) {
    return hostProgramMissing(command.program, error);
  }
  const why = error instanceof Error ? error.message : String(error);
  return new VmmError('command_failed', `${command.program} could not be started: ${why}`, { cause: error });
}

function abortedError(command: Pick<Command, 'program'>): VmmError {
  return new VmmError('aborted', `${command.program} was cancelled.`);
}

/** The failure of a program that ran, or undefined when it went well. `stderr` is its tail. */
export function failureOf(command: Command, outcome: Outcome, stderr: string): VmmError | undefined {
  if (outcome.stoppedFor === 'abort') return abortedError(command);
  const detail = stderr.trim().slice(-4_000);
  const evidence = detail === '' ? {} : { detail };
  if (outcome.stoppedFor === 'timeout') {
    const seconds = (command.timeoutMs ?? defaultTimeoutMs) / 1000;
    return new VmmError('command_timeout', `${command.program} did not end within ${seconds} s.`, evidence);
  }
  if (outcome.exitCode !== undefined && (command.okCodes ?? [0]).includes(outcome.exitCode)) return undefined;
  const how = outcome.exitCode === undefined ? `was ended by ${outcome.signal}` : `ended with code ${outcome.exitCode}`;
  const words = [command.program, ...command.args].join(' ');
  return new VmmError('command_failed', `\`${words.slice(0, 200)}\` ${how}.`, evidence);
}

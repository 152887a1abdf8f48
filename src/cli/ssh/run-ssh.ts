import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { exitCodes, VmmError } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import type { SshSession } from './session.ts';
import { type SshPlan, sshArgs } from './ssh-args.ts';

/** ssh(1) ends with it when ssh itself failed; a guest's command may end with it too. */
const sshFailure = 255;

export type SshRequest = Pick<SshPlan, 'tty' | 'interactive' | 'rest' | 'user'>;
type Streams = readonly ['inherit' | 'ignore' | 'pipe', 'inherit' | 'pipe', 'inherit' | 'pipe'];

export interface RunningSsh {
  readonly child: ChildProcess;
  /** The guest command's exit code. Rejects with host_program_missing, guest_unreachable. */
  readonly exitCode: Promise<number>;
}

/** Starts ssh in a session. Ends it when the command is cancelled. */
export function startSsh(cli: Cli, session: SshSession, request: Partial<SshRequest>, stdio: Streams): RunningSsh {
  cli.signal.throwIfAborted();
  const { reach, files, ownKeys } = session;
  const args = sshArgs({ reach, files, ownKeys, tty: 'auto', interactive: false, rest: [], ...request });
  const child = spawn('ssh', args, { stdio: [...stdio] });
  const abort = () => child.kill('SIGTERM');
  cli.signal.addEventListener('abort', abort, { once: true });
  const exitCode = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(missing(cause)));
    child.once('close', (code, signal) => {
      cli.signal.removeEventListener('abort', abort);
      if (code === sshFailure && session.log() !== '') reject(unreachable(session));
      else resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  return { child, exitCode };
}

/** Runs ssh on the caller's terminal and returns the exit code of what ran in the guest. */
export async function runSsh(
  cli: Cli,
  session: SshSession,
  request: Partial<SshRequest>,
  stdin: 'inherit' | 'ignore' = 'inherit',
): Promise<number> {
  return await cli.lendTerminal(async (wasInterrupted) => {
    const code = await startSsh(cli, session, request, [stdin, 'inherit', 'inherit']).exitCode;
    return code === sshFailure && wasInterrupted() ? exitCodes.interrupted : code;
  });
}

export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in the guest and keeps what it prints, for --json. */
export async function captureSsh(
  cli: Cli,
  session: SshSession,
  request: Partial<SshRequest>,
  stdin: 'inherit' | 'ignore',
): Promise<Captured> {
  const { child, exitCode } = startSsh(cli, session, request, [stdin, 'pipe', 'pipe']);
  const [stdout, stderr, code] = await Promise.all([readAll(child.stdout), readAll(child.stderr), exitCode]);
  return { exitCode: code, stdout, stderr };
}

async function readAll(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function missing(cause: NodeJS.ErrnoException): VmmError {
  if (cause.code !== 'ENOENT') return new VmmError('command_failed', 'ssh could not be started.', { cause });
  return new VmmError('host_program_missing', 'The program ssh is not installed.', {
    hint: 'sudo apt-get install openssh-client',
    cause,
  });
}

function unreachable(session: SshSession): VmmError {
  const { name, reach } = session;
  return new VmmError('guest_unreachable', `ssh to ${name} (${reach.host}) failed.`, {
    detail: session.log(),
    hint:
      reach.given === undefined
        ? `Only your own keys could be tried: use sudo, or join the group vmm, or give it your key: vmm set ${name} --ssh-key <file>`
        : `See whether it runs, and what it says: vmm list; vmm logs ${name} --tail 20`,
  });
}

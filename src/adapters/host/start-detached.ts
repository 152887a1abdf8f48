import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { DetachedCommand, ProcessIdentity } from '../../ports/command-runner.ts';
import { cleanEnvironment } from './environment.ts';
import { bootIdPath, parseProcStat } from './proc-stat.ts';
import { hostProgramMissing } from './program-packages.ts';

/** Starts a program in a session of its own. Node reaps it while we live and init does afterwards, so it leaves no zombie. */
export async function startDetached(command: DetachedCommand, path: string): Promise<ProcessIdentity> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  await using output = await open(command.outputPath, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  const child = spawn(command.program, [...command.args], {
    env: cleanEnvironment(path, command.env),
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  if (child.pid === undefined) {
    const [error]: unknown[] = await once(child, 'error').catch((thrown: unknown) => [thrown]);
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw hostProgramMissing(command.program, error);
    }
    throw new VmmError('command_failed', `${command.program} could not be started.`, { cause: error });
  }
  // Synchronous on purpose: the event loop has not turned since spawn, so even a program that ended at once is not
  // reaped yet and its entry in /proc still tells the start time.
  const stat = parseProcStat(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  const bootId = readFileSync(bootIdPath, 'utf8').trim();
  child.unref();
  if (stat === undefined) throw new VmmError('internal', `/proc/${child.pid}/stat has an unknown form.`);
  return { pid: child.pid, startTicks: stat.startTicks, bootId };
}

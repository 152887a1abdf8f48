import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  /** Exit code, or undefined when a signal or the budget ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** The last part of stdout and stderr, in the order they came. */
  readonly output: string;
}

const keptCharacters = 40_000;

/** Runs a program in a process group of its own, and ends the whole group when the time is up or the signal fires. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly budgetMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let timedOut = false;
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-keptCharacters);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended by itself.
    }
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.budgetMs);
  options.signal.addEventListener('abort', kill, { once: true });
  try {
    // `exit`, not `close`: a forgotten daemon that holds the pipe must not make the suite wait for it.
    const [code] = await once(child, 'exit');
    kill();
    return { exitCode: typeof code === 'number' ? code : undefined, timedOut, output };
  } catch (error) {
    return { exitCode: undefined, timedOut, output: `${program}: ${error instanceof Error ? error.message : error}` };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', kill);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

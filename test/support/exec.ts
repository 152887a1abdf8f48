import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Exit codes that do not throw; default [0]. */
  readonly okCodes?: readonly number[];
}

/** Runs a program to its end. Throws with everything it printed when it fails or takes too long. */
export async function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<Output> {
  const begun = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env) },
    stdio: 'pipe',
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  // A program that does not read its input closes the pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, { code, signal }] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const durationMs = performance.now() - begun;
  const line = [program, ...args].join(' ');
  if (code === null)
    throw new Error(`${line}: ended by ${signal} after ${durationMs.toFixed()} ms\n${stdout}${stderr}`);
  if (!(options.okCodes ?? [0]).includes(code)) throw new Error(`${line}: exit code ${code}\n${stdout}${stderr}`);
  return { exitCode: code, stdout, stderr, durationMs };
}

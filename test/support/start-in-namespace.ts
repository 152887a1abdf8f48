import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a server in a network namespace and waits for its first line. Returns what ends it. */
export async function startInNamespace(
  namespace: string,
  program: string,
  args: readonly string[],
): Promise<() => Promise<void>> {
  const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const ready = once(child.stdout, 'data', { signal: AbortSignal.timeout(20_000) });
  await Promise.race([
    ready,
    exited.then(() => Promise.reject(new Error(`${program} ${args.join(' ')} ended before it was ready`))),
  ]);
  return async () => {
    child.kill('SIGKILL');
    await exited;
  };
}

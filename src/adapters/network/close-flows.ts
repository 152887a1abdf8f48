import type { Forward } from '../../contract/resources/vm.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { isLoopback } from './elements.ts';

/**
 * Ends the connections that came through forwards that are no more: conntrack would carry them on, and a UDP caller that never
 * pauses would reach whoever gets the address next. Needs conntrack(8); without it they end when their callers do.
 */
export async function closeFlows(
  runner: CommandRunner,
  ip: string,
  forwards: readonly Forward[],
  signal: AbortSignal,
): Promise<void> {
  const outside = forwards.filter(({ bind }) => !isLoopback(bind));
  if (outside.length === 0 || (await runner.which('conntrack')) === undefined) return;
  for (const { protocol, hostPort } of outside) {
    await forget(runner, ['-p', protocol, '--orig-port-dst', String(hostPort), '--reply-src', ip], signal);
  }
}

/** The same for all that led to a VM, by whatever way. */
export async function closeAllFlows(runner: CommandRunner, ip: string, signal: AbortSignal): Promise<void> {
  if ((await runner.which('conntrack')) !== undefined) await forget(runner, ['--reply-src', ip], signal);
}

async function forget(runner: CommandRunner, flow: readonly string[], signal: AbortSignal): Promise<void> {
  // Code 1: there was none, or the kernel has no conntrack to ask. The rules are gone already, so a failure undoes nothing.
  const call = { program: 'conntrack', args: ['-D', ...flow], okCodes: [0, 1], timeoutMs: 15_000, signal };
  await runner.run(call).catch(() => signal.throwIfAborted());
}

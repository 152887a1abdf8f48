import { VmmError } from '../../contract/errors.ts';
import type { Forward } from '../../contract/resources/vm.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { networkFailure } from './failure.ts';

/** A listening socket of the host. `address`: `*` is every address of IPv4 and IPv6. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly program: string | undefined;
}

/** Reads `ss -Hlntup`: netid, state, two queues, local address, peer, and `users:(("sshd",pid=1,fd=3))` when root asks. */
export function parseListeners(text: string): readonly Listener[] {
  return text.split('\n').flatMap((line): Listener[] => {
    const [protocol, , , , local] = line.trim().split(/\s+/);
    if ((protocol !== 'tcp' && protocol !== 'udp') || local === undefined) return [];
    const colon = local.lastIndexOf(':');
    const port = Number(local.slice(colon + 1));
    if (colon < 0 || !Number.isInteger(port)) return [];
    const address = local
      .slice(0, colon)
      .replace(/%[^\]]*/, '')
      .replace(/^\[|\]$/g, '')
      .replace(/^::ffff:(?=\d+\.)/, '');
    return [{ protocol, address, port, program: /users:\(\("([^"]*)"/.exec(line)?.[1] }];
  });
}

/** Whether a socket stands in the way of a forward: it would lose its callers, or our own listener could not open. */
export function conflicts(forward: Forward, listener: Listener): boolean {
  if (listener.protocol !== forward.protocol || listener.port !== forward.hostPort) return false;
  const { address } = listener;
  if (address === '*' || address === '0.0.0.0') return true;
  const wantsLocalhost = forward.bind === '0.0.0.0' || forward.bind === '127.0.0.1';
  if (address === '::' || address === '::1') return wantsLocalhost;
  if (address.includes(':')) return false;
  return forward.bind === '0.0.0.0' || forward.bind === address;
}

export async function readListeners(runner: CommandRunner, signal: AbortSignal): Promise<readonly Listener[]> {
  try {
    const { stdout } = await runner.run({ program: 'ss', args: ['-Hlntup'], timeoutMs: 15_000, signal });
    return parseListeners(stdout);
  } catch (thrown) {
    throw networkFailure('The listening sockets of the host could not be read', thrown);
  }
}

/** The program that stands in the way of a forward, where it can be told. */
export async function holderOf(
  runner: CommandRunner,
  forward: Forward,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await readListeners(runner, signal).catch(() => []);
  return found.find((listener) => conflicts(forward, listener))?.program;
}

export function portInUse(forward: Forward, program: string | undefined): VmmError {
  const { protocol, bind, hostPort } = forward;
  const where = bind === '0.0.0.0' ? '' : ` on ${bind}`;
  const holder = program === undefined ? 'a program of the host' : program;
  return new VmmError('port_in_use', `The host port ${hostPort}/${protocol}${where} is taken by ${holder}.`, {
    hint: `Choose another host port, such as ${hostPort < 60_000 ? hostPort + 1000 : hostPort - 1000}:${forward.guestPort}`,
  });
}

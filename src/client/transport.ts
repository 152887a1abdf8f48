import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { VmmError } from '../contract/errors.ts';
import { versionHeader } from '../contract/protocol.ts';
import type { WireRequest } from './arguments.ts';

export interface Transport {
  readonly socketPath: string;
  readonly version: string;
  /** Keeps one connection open between calls: the daemon does not go while its client lives, and the next call is quicker. */
  readonly agent: Agent;
}

export function createTransport(socketPath: string, version: string): Transport {
  return { socketPath, version, agent: new Agent({ keepAlive: true }) };
}

/** Begins a request; the caller waits for `response` or `upgrade`. */
export function begin(transport: Transport, wire: WireRequest, headers: Record<string, string> = {}): ClientRequest {
  const { socketPath, version, agent } = transport;
  const body = wire.body === undefined ? undefined : Buffer.from(wire.body);
  const outgoing = request({
    socketPath,
    agent,
    method: wire.method,
    path: wire.path,
    headers: {
      host: 'vmm',
      [versionHeader]: version,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
      ...headers,
    },
  });
  outgoing.end(body);
  return outgoing;
}

/** The response's head. A kept connection that the daemon closed meanwhile is replaced once by a new one. */
export async function open(transport: Transport, wire: WireRequest, signal?: AbortSignal): Promise<IncomingMessage> {
  try {
    return await attempt(transport, wire, signal);
  } catch (thrown) {
    if (thrown instanceof StaleConnection) return await attempt(transport, wire, signal);
    throw thrown;
  }
}

class StaleConnection extends VmmError {}

function attempt(transport: Transport, wire: WireRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const outgoing = begin(transport, wire);
    const abort = () => outgoing.destroy(new DOMException('This operation was aborted', 'AbortError'));
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.on('close', () => signal?.removeEventListener('abort', abort));
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => reject(connectionError(error, transport.socketPath, outgoing.reusedSocket)));
  });
}

/** What a failed connection means to a person. */
export function connectionError(error: Error & { code?: string }, socketPath: string, reused = false): Error {
  if (error.name === 'AbortError') return error;
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new VmmError('not_root', `You may not use the daemon’s socket ${socketPath}.`, {
      hint: joinGroupHint,
      cause: error,
    });
  }
  const message = ['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '')
    ? `No daemon answers at ${socketPath}.`
    : `The connection to the daemon at ${socketPath} broke: ${error.message}.`;
  const Kind = reused && error.code === 'ECONNRESET' ? StaleConnection : VmmError;
  return new Kind('daemon_unreachable', message, { hint: 'Try again: vmm starts it when needed.', cause: error });
}

export const joinGroupHint =
  'Run it with sudo, or join the group vmm: sudo groupadd -f vmm && sudo usermod -aG vmm "$USER", then log in again.';

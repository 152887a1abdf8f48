import type { Agent, AgentOptions, ClientRequest, IncomingMessage } from 'node:http';
import { VmmError } from '../contract/errors.ts';
import { versionHeader } from '../contract/protocol.ts';
import type { WireRequest } from './arguments.ts';
import { joinGroupHint } from './rights-hint.ts';

// Not by `import`: that would evaluate every export of the module, and those that Node makes when first asked for
// (WebSocket and its like) load all of undici, 45 ms on a slow core: more than all else that a command does.
const http = process.getBuiltinModule('node:http');

export interface Transport {
  readonly socketPath: string;
  readonly version: string;
  /** Keeps one connection open between calls: the daemon does not go while its client lives, and the next call is quicker. */
  readonly agent: Agent;
}

const agentOptions: AgentOptions & { readonly servername: string } = {
  keepAlive: true,
  // A name for TLS, which is not used here; unless given, Node derives it from the host and compiles a large regular
  // expression for that, 3 ms.
  servername: '',
};

export function createTransport(socketPath: string, version: string): Transport {
  return { socketPath, version, agent: new http.Agent(agentOptions) };
}

/** Begins a request; the caller waits for `response` or `upgrade`. */
export function begin(transport: Transport, wire: WireRequest, headers: Record<string, string> = {}): ClientRequest {
  const { socketPath, version, agent } = transport;
  const body = wire.body === undefined ? undefined : Buffer.from(wire.body);
  const outgoing = http.request({
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

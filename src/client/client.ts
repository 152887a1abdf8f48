import type { Duplex, Readable } from 'node:stream';
import type { OperationId, Output } from '../contract/operations.ts';
import { upgradeProtocol } from '../contract/protocol.ts';
import { type Arguments, type IdOf, wireRequest } from './arguments.ts';
import { byteStream } from './bytes.ts';
import { type ProgressListeners, readFrames } from './progress.ts';
import { assertSuccess, readText } from './read-body.ts';
import { begin, connectionError, createTransport, open, type Transport } from './transport.ts';

interface Waiting {
  readonly signal?: AbortSignal;
}

/** The daemon's operations, typed by the contract. Every failure is a VmmError, or an AbortError of the caller's own signal. */
export interface Client {
  call<Id extends IdOf<'plain'>>(id: Id, given: Arguments<Id>, options?: Waiting): Promise<Output<Id>>;
  /** An abort asks the daemon to cancel, then waits for its last word: an `aborted` error once all is undone. */
  progress<Id extends IdOf<'progress'>>(
    id: Id,
    given: Arguments<Id>,
    options?: Waiting & ProgressListeners,
  ): Promise<Output<Id>>;
  bytes<Id extends IdOf<'bytes'>>(id: Id, given: Arguments<Id>, options?: Waiting): Promise<Readable>;
  duplex<Id extends IdOf<'duplex'>>(id: Id, given: Arguments<Id>, options?: Waiting): Promise<Duplex>;
  close(): void;
}

export function createClient(options: { readonly socketPath: string; readonly version: string }): Client {
  const transport = createTransport(options.socketPath, options.version);
  const client: Client = {
    async call<Id extends OperationId>(id: Id, given: Arguments<Id>, { signal }: Waiting = {}) {
      const response = await open(transport, wireRequest(id, given), signal);
      await assertSuccess(response);
      // Not validated again: the daemon is of our version, it checks, and zod would cost more than the call.
      return JSON.parse(await readText(response)) as Output<Id>;
    },

    async progress<Id extends OperationId>(
      id: Id,
      given: Arguments<Id>,
      { signal, ...listeners }: Waiting & ProgressListeners = {},
    ) {
      // The signal is not for the connection: what was begun is to be undone, and its end awaited.
      signal?.throwIfAborted();
      const response = await open(transport, wireRequest(id, given));
      await assertSuccess(response);
      const { promise: operationId, resolve: onOperation } = Promise.withResolvers<string>();
      const cancel = async () => {
        const params = { id: await operationId };
        // Refused when it has ended just now: then the last frame is on its way.
        await client.call('operation.cancel', { params }).catch(() => undefined);
      };
      if (signal?.aborted === true) void cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        // Same trust as in `call`.
        return (await readFrames(response, { ...listeners, onOperation })) as Output<Id>;
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },

    async bytes(id, given, { signal } = {}) {
      const response = await open(transport, wireRequest(id, given), signal);
      await assertSuccess(response);
      return byteStream(response);
    },

    duplex: (id, given, { signal } = {}) => upgrade(transport, id, given, signal),

    close: () => transport.agent.destroy(),
  };
  return client;
}

function upgrade<Id extends OperationId>(
  transport: Transport,
  id: Id,
  given: Arguments<Id>,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const outgoing = begin(transport, wireRequest(id, given), { connection: 'Upgrade', upgrade: upgradeProtocol });
    const abort = () => outgoing.destroy(new DOMException('This operation was aborted', 'AbortError'));
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', () => socket.destroy(), { once: true });
      resolve(socket);
    });
    outgoing.on('response', (response) => {
      assertSuccess(response).then(() => reject(new Error(`${id} did not upgrade`)), reject);
    });
    outgoing.on('error', (error) => reject(connectionError(error, transport.socketPath)));
  });
}

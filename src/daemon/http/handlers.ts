/**
 * What stands behind the operations table. The mapped type makes a missing handler, or one of the wrong shape, a
 * compile error.
 */
import type { Duplex, Readable } from 'node:stream';
import type { OperationId, Output, operations, Params, ParsedInput, ParsedQuery } from '../../contract/operations.ts';
import type { Progress } from '../../contract/stream.ts';

interface HandlerRequest<Id extends OperationId> {
  readonly params: Params<Id>;
  readonly query: ParsedQuery<Id>;
  readonly input: ParsedInput<Id>;
}

/**
 * `plain`, GET: the signal fires when the client goes away, so that nobody waits for nobody. Other methods finish what
 * they began; their signal fires only when the daemon stops and its patience has ended.
 * `progress`: fires on cancel and on the daemon's stop, never because the client went away.
 * `bytes`, `duplex`: fires when the client goes away.
 */
export interface HandlerContext {
  readonly signal: AbortSignal;
}

export interface ProgressContext extends HandlerContext {
  readonly onProgress: (progress: Progress) => void;
  readonly onNotice: (message: string) => void;
}

interface HandlerByMode<Id extends OperationId> {
  readonly plain: (request: HandlerRequest<Id>, context: HandlerContext) => Promise<Output<Id>>;
  readonly progress: (request: HandlerRequest<Id>, context: ProgressContext) => Promise<Output<Id>>;
  readonly bytes: (request: HandlerRequest<Id>, context: HandlerContext) => Promise<Readable>;
  readonly duplex: (request: HandlerRequest<Id>, context: HandlerContext) => Promise<Duplex>;
}

type Handler<Id extends OperationId> = HandlerByMode<Id>[(typeof operations)[Id]['mode']];
export type Handlers = { readonly [Id in OperationId]: Handler<Id> };

/** What the daemon answers by itself; the engine has all the rest. */
export type DaemonOperation = 'daemon.status' | 'daemon.stop' | 'operation.cancel' | 'host.config';
export type EngineHandlers = Omit<Handlers, DaemonOperation>;

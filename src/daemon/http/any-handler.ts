import type { Duplex, Readable } from 'node:stream';
import type { OperationId } from '../../contract/operations.ts';
import type { HandlerContext, Handlers, ProgressContext } from './handlers.ts';
import type { AnyRequest } from './validate.ts';

/** A handler seen as each mode's; the route calls the one that its operation's mode names. */
export interface AnyHandler {
  readonly plain: (request: AnyRequest, context: HandlerContext) => Promise<unknown>;
  readonly progress: (request: AnyRequest, context: ProgressContext) => Promise<unknown>;
  readonly bytes: (request: AnyRequest, context: HandlerContext) => Promise<Readable>;
  readonly duplex: (request: AnyRequest, context: HandlerContext) => Promise<Duplex>;
}

/**
 * `Handlers` has proved that every handler fits its operation, and the validator makes requests of the operation's own
 * types; the routes, which are alike for all, need not know them. The one place where types are let go.
 */
export function eraseTypes(handlers: Handlers, id: OperationId): AnyHandler {
  // A `this` of the caller's is kept, should the handlers be an object with methods.
  const handler = (handlers[id] as (...given: unknown[]) => Promise<never>).bind(handlers);
  return { plain: handler, progress: handler, bytes: handler, duplex: handler };
}

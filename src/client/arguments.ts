import { VmmError } from '../contract/errors.ts';
import type { ResponseMode } from '../contract/operation.ts';
import type { Input, OperationId, operations, Params, Query } from '../contract/operations.ts';
import { bodyLimitBytes } from '../contract/protocol.ts';
import { routes } from './routes.ts';

/** Ids of the operations that answer in one mode. */
export type IdOf<Mode extends ResponseMode> = {
  [Id in OperationId]: (typeof operations)[Id]['mode'] extends Mode ? Id : never;
}[OperationId];

/** A part that has nothing to say may be left out, and one that only has defaults too. */
type Part<Name extends string, Value> = undefined extends Value
  ? { readonly [K in Name]?: undefined }
  : Record<never, never> extends Value
    ? { readonly [K in Name]?: Value }
    : { readonly [K in Name]: Value };

export type Arguments<Id extends OperationId> = Part<'params', Params<Id>> &
  Part<'query', Query<Id>> &
  Part<'input', Input<Id>>;

/** The same without the operation's own types, for the code that is alike for all. */
export interface AnyArguments {
  readonly params?: object | undefined;
  readonly query?: object | undefined;
  readonly input?: unknown;
}

/** What goes on the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

export function wireRequest(id: OperationId, given: AnyArguments): WireRequest {
  const { method, path } = routes[id];
  const params = new Map(Object.entries(given.params ?? {}));
  const filled = path.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(String(params.get(name))));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const body = given.input === undefined ? undefined : JSON.stringify(given.input);
  // The daemon refuses it too, but may hang up before we have sent it all.
  if (body !== undefined && Buffer.byteLength(body) > bodyLimitBytes(id)) {
    throw new VmmError('invalid_input', `The request is larger than ${bodyLimitBytes(id)} bytes.`);
  }
  return { method, path: query.size === 0 ? filled : `${filled}?${query}`, body };
}

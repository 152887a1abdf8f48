import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/**
 * How an operation answers.
 * `plain`: one JSON body. `progress`: newline-delimited frames (see stream.ts), the last one the result or the error.
 * `bytes`: a plain byte stream. `duplex`: HTTP Upgrade to a two-way byte stream.
 */
export type ResponseMode = 'plain' | 'progress' | 'bytes' | 'duplex';

export interface Operation<
  Query extends z.ZodType = z.ZodType,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the daemon's root; `:name` parts are path parameters. */
  readonly path: `/v1/${string}`;
  readonly mode: ResponseMode;
  readonly summary: string;
  readonly query: Query;
  readonly input: Input;
  readonly output: Output;
  /** Errors of its own, beside those every operation may answer. */
  readonly errors: readonly ErrorCode[];
  /** The words of the command line that reach it, or null where none does. */
  readonly cli: string | null;
}

/** Keeps the literal types of method, path and mode, from which parameters and handler shapes derive. */
export function operation<const Definition extends Operation>(definition: Definition): Definition {
  return definition;
}

/**
 * The operations table: the whole public surface, declared once. Routes, validation, the typed client, CLI help and
 * the references derive from it; a handler map that misses one does not compile (see daemon/http/handlers.ts).
 */
import type { z } from 'zod';
import { forwardOperations } from './operations/forward.ts';
import { hostOperations } from './operations/host.ts';
import { imageOperations } from './operations/image.ts';
import { mountOperations } from './operations/mount.ts';
import { vmOperations } from './operations/vm.ts';

export const operations = {
  ...vmOperations,
  ...forwardOperations,
  ...mountOperations,
  ...imageOperations,
  ...hostOperations,
} as const;

export type OperationId = keyof typeof operations;
export type Params<Id extends OperationId> = PathParams<(typeof operations)[Id]['path']>;
type PathParams<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? { readonly [K in Name]: string }
    : object;
/** What a caller sends, defaults not yet applied. */
export type Query<Id extends OperationId> = z.input<(typeof operations)[Id]['query']>;
export type Input<Id extends OperationId> = z.input<(typeof operations)[Id]['input']>;
/** What a handler receives, defaults applied. */
export type ParsedQuery<Id extends OperationId> = z.output<(typeof operations)[Id]['query']>;
export type ParsedInput<Id extends OperationId> = z.output<(typeof operations)[Id]['input']>;
export type Output<Id extends OperationId> = z.output<(typeof operations)[Id]['output']>;

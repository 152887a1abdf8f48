import { z } from 'zod';
import type { ProblemDetails } from './errors.ts';

/** One step of long work. `step` is stable and names the step; a step ends when the next begins or `done` comes. */
export const progressSchema = z.object({
  step: z.string(),
  message: z.string(),
  /** Present where the amount is known. */
  current: z.number().optional(),
  total: z.number().optional(),
  unit: z.enum(['bytes', 'items']).optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/** The frames of a `progress` answer, one JSON text a line. `operation` comes first and `result` or `error` last. */
export type Frame =
  | { readonly type: 'operation'; readonly id: string }
  | ({ readonly type: 'progress' } & Progress)
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'result'; readonly value: unknown }
  | { readonly type: 'error'; readonly problem: ProblemDetails };

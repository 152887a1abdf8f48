import type { Context } from '../context.ts';

type Undo = (context: Context, data: unknown) => Promise<void>;

/** Undo of every step of a saga. Each is idempotent and accepts "already gone". */
export type UndoTable<Step extends string> = Readonly<Record<Step, Undo>>;

/** Undoes steps, the last one first; one that fails holds up no other. Returns the failures. */
export async function undoSteps(
  context: Context,
  undo: Readonly<Record<string, Undo>>,
  steps: readonly { readonly step: string; readonly data: unknown }[],
): Promise<Error[]> {
  const faults: Error[] = [];
  for (const { step, data } of steps.toReversed()) {
    try {
      // A journal of a newer version may name steps that this one does not know; reconcile cleans by what it finds.
      await undo[step]?.(context, data);
    } catch (thrown) {
      faults.push(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }
  return faults;
}

import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';

/** One step: its undo stands in the saga's table, its action is given at the run. `data` is what undo needs, plain JSON. */
export interface Action<Step extends string> {
  readonly step: Step;
  readonly data: unknown;
  /** `journal` replaces the step's data, for what is known only in the middle of it (a pid). */
  readonly act: (journal: (data: unknown) => void) => Promise<void>;
}

/** Undo of every step of a saga. Each is idempotent and accepts "already gone". */
export type UndoTable<Step extends string> = Readonly<Record<Step, (context: Context, data: unknown) => Promise<void>>>;

/**
 * Runs steps in order, each journalled before it acts. When one fails, those begun are undone in reverse order and the
 * error goes on. After a crash `undoOpenSagas` does the same from the journal.
 */
export async function runSaga<Step extends string>(
  context: Context,
  saga: { readonly name: string; readonly subject: string; readonly undo: UndoTable<Step> },
  actions: readonly Action<Step>[],
): Promise<void> {
  const sagaId = randomUUID();
  const begun: { step: Step; data: unknown }[] = [];
  try {
    for (const [index, action] of actions.entries()) {
      const note = (data: unknown) =>
        context.store.journal({ sagaId, saga: saga.name, subject: saga.subject, step: action.step, index, data });
      const entry = { step: action.step, data: action.data };
      note(action.data);
      begun.push(entry);
      await action.act((data) => {
        entry.data = data;
        note(data);
      });
    }
  } catch (error) {
    for (const { step, data } of begun.reverse()) await saga.undo[step](context, data);
    context.store.closeSaga(sagaId);
    throw error;
  }
  context.store.closeSaga(sagaId);
}

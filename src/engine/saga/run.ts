import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import { type UndoTable, undoSteps } from './undo.ts';

/** One step: its undo stands in the saga's table, its action is given at the run. `data` is what undo needs, plain JSON. */
export interface Action<Step extends string> {
  readonly step: Step;
  readonly data: unknown;
  /** `journal` replaces the step's data, for what is known only in the middle of it (a pid). */
  readonly act: (journal: (data: unknown) => void) => Promise<void>;
}

interface Saga<Step extends string> {
  readonly name: string;
  readonly subject: string;
  readonly undo: UndoTable<Step>;
}

/**
 * Runs steps in order, each journalled before it acts. When one fails, those begun are undone in reverse order and the
 * error goes on. After a crash `undoOpenSagas` does the same from the journal.
 */
export async function runSaga<Step extends string>(
  context: Context,
  saga: Saga<Step>,
  actions: readonly Action<Step>[],
): Promise<void> {
  await undoEarlier(context, saga);
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
    const faults = await undoSteps(context, saga.undo, begun);
    // What could not be undone stays in the journal, for the next try or the next reconcile.
    if (faults.length === 0) context.store.closeSaga(sagaId);
    throw error;
  }
  context.store.closeSaga(sagaId);
}

/** What an earlier try could not undo must go now: undone later, it would take away what this try sets up. */
async function undoEarlier<Step extends string>(context: Context, { name, subject, undo }: Saga<Step>): Promise<void> {
  const open = context.store.openJournal().filter((entry) => entry.saga === name && entry.subject === subject);
  for (const [sagaId, entries] of Map.groupBy(open, (entry) => entry.sagaId)) {
    const [fault] = await undoSteps(context, undo, entries);
    if (fault !== undefined) throw fault;
    context.store.closeSaga(sagaId);
  }
}

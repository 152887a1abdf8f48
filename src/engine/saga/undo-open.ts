import type { JournalEntry } from '../../ports/state-store.ts';
import type { Context } from '../context.ts';
import { createUndo } from '../vm/create.ts';
import { deleteFinish } from '../vm/delete.ts';
import { startUndo } from '../vm/start-steps.ts';
import type { UndoTable } from './run.ts';

/** Every saga by the name it is journalled under. */
const sagas: Readonly<Record<string, UndoTable<string>>> = {
  'vm.create': createUndo,
  'vm.start': startUndo,
  'vm.delete': deleteFinish,
};

/** Undoes (or, for a delete, finishes) what an earlier daemon left in the middle. Returns the subjects, for the log. */
export async function undoOpenSagas(context: Context): Promise<string[]> {
  const bySaga = Map.groupBy(context.store.openJournal(), (entry) => entry.sagaId);
  const subjects: string[] = [];
  for (const [sagaId, entries] of bySaga) {
    for (const entry of entries.toSorted((a, b) => b.index - a.index)) await undoEntry(context, entry);
    context.store.closeSaga(sagaId);
    subjects.push(...entries.slice(0, 1).map((entry) => `${entry.saga} ${entry.subject}`));
  }
  return subjects;
}

async function undoEntry(context: Context, entry: JournalEntry): Promise<void> {
  const undo = sagas[entry.saga]?.[entry.step];
  // A journal of a newer version may name steps that this one does not know; reconcile cleans by what it finds.
  await undo?.(context, entry.data);
}

import { type Context, emit } from '../context.ts';
import { createUndo } from '../vm/create.ts';
import { deleteFinish } from '../vm/delete.ts';
import { startUndo } from '../vm/start-steps.ts';
import { type UndoTable, undoSteps } from './undo.ts';

/** Every saga by the name it is journalled under. */
const sagas: Readonly<Record<string, UndoTable<string>>> = {
  'vm.create': createUndo,
  'vm.start': startUndo,
  'vm.delete': deleteFinish,
};

/** Undoes (or, for a delete, finishes) what an earlier daemon left in the middle. What cannot be undone yet stays noted, and is told. */
export async function undoOpenSagas(context: Context): Promise<void> {
  for (const [sagaId, entries] of Map.groupBy(context.store.openJournal(), (entry) => entry.sagaId)) {
    const [first] = entries;
    const [fault] = await undoSteps(context, sagas[first?.saga ?? ''] ?? {}, entries);
    if (fault === undefined) context.store.closeSaga(sagaId);
    else
      emit(context, 'host.changed', 'host', `${first?.saga} of ${first?.subject} is not undone yet: ${fault.message}`);
  }
}

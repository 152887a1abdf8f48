import { z } from 'zod';
import { VmmError } from '../../contract/errors.ts';
import type { JournalEntry, StateStore } from '../../ports/state-store.ts';
import type { Database } from './database.ts';

type JournalTable = Pick<StateStore, 'journal' | 'openJournal' | 'closeSaga'>;

const rowSchema = z.object({
  sagaId: z.string(),
  saga: z.string(),
  subject: z.string(),
  step: z.string(),
  index: z.int(),
  data: z.string(),
});

/** A saga is as old as its first entry. */
const selectOpen = `
  SELECT saga_id AS sagaId, saga, subject, step, step_index AS "index", data
  FROM journal JOIN (SELECT saga_id AS id, MIN(sequence) AS age FROM journal GROUP BY saga_id) ON id = saga_id
  ORDER BY age, step_index`;

/** A step that is written again has learnt more of what its undo needs. */
const upsert = `
  INSERT INTO journal (saga_id, saga, subject, step, step_index, data) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (saga_id, step_index) DO UPDATE SET step = excluded.step, data = excluded.data`;

export function journalTable(db: Database): JournalTable {
  return {
    journal({ sagaId, saga, subject, step, index, data }) {
      db.run(upsert, sagaId, saga, subject, step, index, JSON.stringify(data ?? null));
    },
    openJournal: () => db.all(selectOpen).map((row) => parseEntry(row, db.path)),
    closeSaga: (sagaId) => void db.run('DELETE FROM journal WHERE saga_id = ?', sagaId),
  };
}

function parseEntry(row: unknown, path: string): JournalEntry {
  const entry = rowSchema.parse(row);
  try {
    const data: unknown = JSON.parse(entry.data);
    return { ...entry, data };
  } catch (error) {
    const what = `The journal of ${entry.saga} ${entry.subject} (saga ${entry.sagaId}, step ${entry.step}) in ${path}`;
    throw new VmmError('storage_failed', `${what} is damaged.`, {
      hint: `Restore ${path} from a backup, or drop it: sqlite3 ${path} "DELETE FROM journal WHERE saga_id='${entry.sagaId}'"`,
      cause: error,
    });
  }
}

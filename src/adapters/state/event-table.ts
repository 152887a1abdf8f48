import { z } from 'zod';
import { VmmError } from '../../contract/errors.ts';
import { eventSchema, type VmmEvent } from '../../contract/resources/event.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Database } from './database.ts';

type EventTable = Pick<StateStore, 'appendEvent' | 'listEvents'>;

const idSchema = z.object({ id: z.int() });

const selectAll = 'SELECT id, at, type, subject, message FROM events WHERE id > ? ORDER BY id LIMIT ?';
const selectSubject =
  'SELECT id, at, type, subject, message FROM events WHERE id > ? AND subject = ? ORDER BY id LIMIT ?';

/** `keep`: older events are forgotten, so that a busy host does not fill its disk with its past. */
export function eventTable(db: Database, keep: number): EventTable {
  return {
    appendEvent({ type, subject, message, at }) {
      return db.transaction(() => {
        const insert = 'INSERT INTO events (at, type, subject, message) VALUES (?, ?, ?, ?) RETURNING id';
        const { id } = idSchema.parse(db.get(insert, at.toISOString(), type, subject, message));
        db.run('DELETE FROM events WHERE id <= ?', id - keep);
        return { id, at: at.toISOString(), type, subject, message };
      });
    },
    listEvents({ after, subject, limit }) {
      const rows =
        subject === undefined ? db.all(selectAll, after, limit) : db.all(selectSubject, after, subject, limit);
      return rows.map((row) => parseEvent(row, db.path));
    },
  };
}

function parseEvent(row: unknown, path: string): VmmEvent {
  const parsed = eventSchema.safeParse(row);
  if (parsed.success) return parsed.data;
  const { id } = idSchema.parse(row);
  throw new VmmError('storage_failed', `Event ${id} in ${path} is damaged.`, {
    hint: `Drop it: sqlite3 ${path} "DELETE FROM events WHERE id=${id}"`,
    detail: z.prettifyError(parsed.error),
  });
}

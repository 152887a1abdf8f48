import { z } from 'zod';
import type { StateStore } from '../../ports/state-store.ts';
import { Database } from './database.ts';
import { eventTable } from './event-table.ts';
import { imageTable } from './image-table.ts';
import { journalTable } from './journal-table.ts';
import { vmTable } from './vm-table.ts';

const settingSchema = z.object({ value: z.string() });

/** Opens the database, making or upgrading it as needed. Its directory must be there. Errors: storage_failed, disk_full. */
export function openStateStore(path: string, { keepEvents = 100_000 } = {}): StateStore {
  const db = new Database(path);
  return {
    ...vmTable(db),
    ...imageTable(db),
    ...journalTable(db),
    ...eventTable(db, keepEvents),
    getSetting(key) {
      const row = db.get('SELECT value FROM settings WHERE key = ?', key);
      return row === undefined ? undefined : settingSchema.parse(row).value;
    },
    setSetting(key, value) {
      const upsert = `INSERT INTO settings (key, value) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
      db.run(upsert, key, value);
    },
    transaction: (work) => db.transaction(work),
    close: () => db.close(),
  };
}

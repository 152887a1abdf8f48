/**
 * The schema, as numbered steps that are never changed once released. Rows are JSON documents beside the columns that
 * are searched by: the contract declares their form once, and a new field with a default needs no migration.
 */
export const migrations: readonly string[] = [
  `
  -- Names differ by more than case: they are host names too.
  CREATE TABLE vms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE images (
    name TEXT PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    saga_id TEXT NOT NULL,
    saga TEXT NOT NULL,
    subject TEXT NOT NULL,
    step TEXT NOT NULL,
    step_index INTEGER NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (saga_id, step_index)
  ) STRICT;

  -- AUTOINCREMENT: the id of a pruned event is never given again, so readers can go on from the last they saw.
  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_subject ON events (subject, id);

  CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
];

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { VmmError } from '../../contract/errors.ts';
import { DiskReserve } from './disk-reserve.ts';
import { migrations } from './migrations.ts';
import { databaseError } from './sqlite-errors.ts';

/** Another process that writes, such as a person's sqlite3 shell, is waited for this long. */
const busyTimeoutMs = 5_000;

/** An open database: statements are prepared once, failures are VmmErrors. */
export class Database {
  readonly path: string;
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  readonly #reserve: DiskReserve;

  constructor(path: string) {
    this.path = path;
    this.#reserve = new DiskReserve(`${path}.reserve`);
    this.#sqlite = guard(path, () => {
      // It holds the guests' host keys. The files SQLite puts beside it take over its mode.
      closeSync(openSync(path, 'a', 0o600));
      return new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    });
    try {
      guard(path, () => {
        // FULL: a journalled step must be on the disk before the step runs, also when the power fails right after it.
        this.#sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      });
      this.#migrate();
    } catch (error) {
      this.#sqlite.close();
      throw error;
    }
    this.#reserve.make();
  }

  all(sql: string, ...values: SQLInputValue[]): readonly unknown[] {
    return guard(this.path, () => this.#prepared(sql).all(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): unknown {
    return guard(this.path, () => this.#prepared(sql).get(...values));
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#withReserve(() => guard(this.path, () => Number(this.#prepared(sql).run(...values).changes)));
  }

  /**
   * Nests: an inner transaction that throws undoes its own work alone. `work` may run twice, the second time after all
   * that the first had written was undone.
   */
  transaction<T>(work: () => T): T {
    return this.#withReserve(() => this.#transaction(work));
  }

  /** On a full disk VMs must still be stopped and deleted, which makes the room that is missing. */
  #withReserve<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      const isFull = error instanceof VmmError && error.code === 'disk_full';
      if (!isFull || this.#depth > 0 || !this.#reserve.give()) throw error;
      return write();
    }
  }

  #transaction<T>(work: () => T): T {
    const level = this.#depth;
    const savepoint = `level${level}`;
    this.#exec(level === 0 ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${savepoint}`);
    this.#depth = level + 1;
    try {
      const result = work();
      this.#exec(level === 0 ? 'COMMIT' : `RELEASE ${savepoint}`);
      return result;
    } catch (error) {
      // On a full disk SQLite may have rolled the whole transaction back by itself.
      if (this.#sqlite.isTransaction) {
        this.#exec(level === 0 ? 'ROLLBACK' : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`);
      }
      throw error;
    } finally {
      this.#depth = level;
    }
  }

  close(): void {
    if (!this.#sqlite.isOpen) return;
    this.#statements.clear();
    guard(this.path, () => this.#sqlite.close());
  }

  #exec(sql: string): void {
    guard(this.path, () => this.#sqlite.exec(sql));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #migrate(): void {
    this.transaction(() => {
      this.#exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, applied_at TEXT NOT NULL) STRICT');
      const version = this.all('SELECT id FROM migrations').length;
      if (version > migrations.length) {
        throw new VmmError(
          'storage_failed',
          `${this.path} was written by a newer vmm (schema ${version}; this one knows ${migrations.length}).`,
          { hint: 'Install the newer vmm again, or use another data directory: VMM_DATA_DIR=/path vmm list' },
        );
      }
      for (const [index, sql] of migrations.entries()) {
        if (index < version) continue;
        this.#exec(sql);
        this.run('INSERT INTO migrations (id, applied_at) VALUES (?, ?)', index + 1, new Date().toISOString());
      }
    });
  }
}

function guard<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw databaseError(path, error);
  }
}

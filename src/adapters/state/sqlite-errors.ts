import { VmmError } from '../../contract/errors.ts';

/** Result codes of SQLite (https://sqlite.org/rescode.html). */
export const sqliteCodes = {
  busy: 5,
  corrupt: 11,
  full: 13,
  notADatabase: 26,
  constraintPrimaryKey: 1555,
  constraintUnique: 2067,
  /** The shared-memory file could not be enlarged: a full disk shows itself here first. */
  ioShmSize: 4874,
} as const;

export function sqliteCode(error: unknown): number | undefined {
  const bare = error instanceof VmmError ? error.cause : error;
  return bare instanceof Error && 'errcode' in bare && typeof bare.errcode === 'number' ? bare.errcode : undefined;
}

export function databaseError(path: string, error: unknown): VmmError {
  if (error instanceof VmmError) return error;
  const code = sqliteCode(error);
  const systemCode = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === sqliteCodes.full || code === sqliteCodes.ioShmSize || systemCode === 'ENOSPC') {
    return new VmmError('disk_full', `The file system of ${path} is full.`, {
      hint: `Make room there; see what takes it: df -h ${path}`,
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new VmmError('storage_failed', `The database ${path} failed: ${why}.`, {
    ...hintFor(code, path),
    cause: error,
  });
}

function hintFor(code: number | undefined, path: string): { hint?: string } {
  switch (code === undefined ? undefined : code & 0xff) {
    case sqliteCodes.busy:
      return { hint: `Another program holds it; find it with: fuser -v ${path}` };
    case sqliteCodes.corrupt:
    case sqliteCodes.notADatabase:
      return { hint: `It is damaged. Save what is left with: sqlite3 ${path} .recover` };
    default:
      return {};
  }
}

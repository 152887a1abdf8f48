import { VmmError } from '../../contract/errors.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Database } from './database.ts';
import { parseVm } from './documents.ts';
import { sqliteCode, sqliteCodes } from './sqlite-errors.ts';

type VmTable = Pick<StateStore, 'listVms' | 'findVm' | 'findVmById' | 'insertVm' | 'updateVm' | 'deleteVm'>;

export function vmTable(db: Database): VmTable {
  const parse = (row: unknown) => parseVm(row, db.path);
  const parseOne = (row: unknown) => (row === undefined ? undefined : parse(row));
  return {
    listVms: () => db.all('SELECT name, document FROM vms ORDER BY name COLLATE BINARY').map(parse),
    findVm: (name) => parseOne(db.get('SELECT name, document FROM vms WHERE name = ? COLLATE BINARY', name)),
    findVmById: (id) => parseOne(db.get('SELECT name, document FROM vms WHERE id = ?', id)),
    insertVm(row) {
      const { id, name } = row.vm;
      try {
        db.run('INSERT INTO vms (id, name, document) VALUES (?, ?, ?)', id, name, JSON.stringify(row));
      } catch (error) {
        const code = sqliteCode(error);
        if (code !== sqliteCodes.constraintUnique && code !== sqliteCodes.constraintPrimaryKey) throw error;
        throw vmExists(db, name);
      }
    },
    updateVm(row) {
      const { id, name } = row.vm;
      const changed = db.run('UPDATE vms SET name = ?, document = ? WHERE id = ?', name, JSON.stringify(row), id);
      if (changed === 0) throw new VmmError('vm_not_found', `There is no VM named ${name}.`, { hint: 'See: vmm list' });
    },
    deleteVm: (id) => void db.run('DELETE FROM vms WHERE id = ?', id),
  };
}

function vmExists(db: Database, name: string): VmmError {
  const row = db.get('SELECT name FROM vms WHERE name = ?', name);
  const taken = typeof row === 'object' && row !== null && 'name' in row ? String(row.name) : name;
  return new VmmError('vm_exists', `A VM named ${taken} exists already.`, {
    hint: `Choose another name, or: vmm delete ${taken}`,
  });
}

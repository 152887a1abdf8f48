import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { openStateStore } from '../../../src/adapters/state/open-state-store.ts';
import { emptyDatabase, fakeStateStore } from '../../../src/fakes/fake-state-store.ts';
import type { StateStore } from '../../../src/ports/state-store.ts';
import { imageNamed, vmRow } from './rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmm-state-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.db`);

interface Twin {
  readonly name: string;
  /** A function that opens the same data again and again. */
  create(): () => StateStore;
}
const twins: readonly Twin[] = [
  {
    name: 'the SQLite store',
    create: () => {
      const path = newPath();
      return () => openStateStore(path);
    },
  },
  {
    name: 'its Map twin',
    create: () => {
      const database = emptyDatabase();
      return () => fakeStateStore(database);
    },
  },
];

for (const { name, create } of twins) {
  describe(name, () => {
    it('gives rows back as they were, also after it was closed', () => {
      const open = create();
      const process = { pid: 5, startTicks: 77, bootId: 'b' };
      const record = {
        engine: 'qemu',
        acceleration: 'tcg',
        process,
        helpers: [process],
        runtimeDir: '/r',
        consoleLogPath: '/l',
      } as const;
      const rows = [vmRow('beta', { record, stoppedByUser: true }), vmRow('alpha')];
      const first = open();
      for (const row of rows) first.insertVm(row);
      first.close();
      const store = open();
      assert.deepEqual(store.listVms(), [rows[1], rows[0]]);
      assert.deepEqual(store.findVm('beta'), rows[0]);
      assert.deepEqual(store.findVmById('id-alpha'), rows[1]);
      assert.equal(store.findVm('gamma'), undefined);
      store.deleteVm('id-alpha');
      store.deleteVm('id-alpha');
      assert.deepEqual(store.listVms(), [rows[0]]);
      store.close();
      assert.throws(() => store.listVms(), { code: 'storage_failed' });
    });

    it('refuses a second VM of a name, whatever its case', () => {
      const store = create()();
      store.insertVm(vmRow('Web1'));
      assert.throws(() => store.insertVm(vmRow('web1')), { code: 'vm_exists', message: /Web1/ });
      assert.throws(() => store.insertVm({ ...vmRow('other'), vm: { ...vmRow('other').vm, id: 'id-Web1' } }), {
        code: 'vm_exists',
      });
      assert.equal(store.findVm('web1'), undefined);
      assert.equal(store.listVms().length, 1);
    });

    it('replaces rows, and says when there is none', () => {
      const store = create()();
      store.insertVm(vmRow('web1'));
      store.updateVm(vmRow('web1', { stoppedByUser: true }));
      assert.equal(store.findVm('web1')?.stoppedByUser, true);
      assert.throws(() => store.updateVm(vmRow('web2')), { code: 'vm_not_found' });
    });

    it('keeps images by name', () => {
      const store = create()();
      store.putImage(imageNamed('debian'));
      store.putImage(imageNamed('alpine'));
      const newer = { ...imageNamed('debian'), sizeBytes: 99 };
      store.putImage(newer);
      assert.deepEqual(store.listImages(), [imageNamed('alpine'), newer]);
      assert.deepEqual(store.findImage('debian'), newer);
      store.deleteImage('debian');
      assert.equal(store.findImage('debian'), undefined);
    });

    it('lists open sagas from the oldest, their steps in order', () => {
      const open = create();
      const store = open();
      const entry = (sagaId: string, index: number, data: unknown) =>
        ({ sagaId, saga: 'start', subject: 'web1', step: `step${index}`, index, data }) as const;
      const [b0, a0, b2, b1] = [
        entry('b', 0, {}),
        entry('a', 0, 'x'),
        entry('b', 2, null),
        entry('b', 1, { tap: 't' }),
      ];
      for (const each of [b0, a0, b2, b1]) store.journal(each);
      assert.deepEqual(store.openJournal(), [b0, b1, b2, a0]);
      const wiser = { ...b1, data: { tap: 't', pid: 7 } };
      store.journal(wiser);
      store.close();
      const again = open();
      assert.deepEqual(again.openJournal(), [b0, wiser, b2, a0]);
      again.closeSaga('b');
      assert.deepEqual(again.openJournal(), [a0]);
    });

    it('numbers events and finds them by subject', () => {
      const store = create()();
      const at = new Date('2026-01-02T03:04:05.678Z');
      for (const subject of ['web1', 'web2', 'web1']) {
        store.appendEvent({ type: 'vm.ready', subject, message: 'It is ready.', at });
      }
      const all = store.listEvents({ after: 0, subject: undefined, limit: 10 });
      assert.deepEqual(
        all.map((event) => event.id),
        [1, 2, 3],
      );
      assert.equal(all[0]?.at, '2026-01-02T03:04:05.678Z');
      assert.deepEqual(store.listEvents({ after: 1, subject: 'web1', limit: 10 }), [all[2]]);
      assert.deepEqual(store.listEvents({ after: 0, subject: undefined, limit: 1 }), [all[0]]);
    });

    it('remembers settings', () => {
      const store = create()();
      assert.equal(store.getSetting('canary'), undefined);
      store.setSetting('canary', '1');
      store.setSetting('canary', '2');
      assert.equal(store.getSetting('canary'), '2');
    });

    it('rolls back what a throwing transaction did, an inner one by itself', () => {
      const store = create()();
      const fail = () => {
        throw new Error('no');
      };
      assert.throws(() =>
        store.transaction(() => {
          store.insertVm(vmRow('web1'));
          fail();
        }),
      );
      assert.deepEqual(store.listVms(), []);
      const answer = store.transaction(() => {
        store.setSetting('outer', 'kept');
        assert.throws(() =>
          store.transaction(() => {
            store.setSetting('inner', 'lost');
            fail();
          }),
        );
        return 42;
      });
      assert.equal(answer, 42);
      assert.equal(store.getSetting('outer'), 'kept');
      assert.equal(store.getSetting('inner'), undefined);
    });
  });
}

describe('the SQLite file', () => {
  it('is private, since it holds host keys', () => {
    const path = newPath();
    const store = openStateStore(path);
    store.setSetting('a', 'b');
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(path + suffix).mode & 0o777, 0o600);
    store.close();
  });

  it('names a damaged row', () => {
    const path = newPath();
    const store = openStateStore(path);
    store.insertVm(vmRow('web1'));
    store.insertVm(vmRow('web2'));
    for (const damage of ['{"vm": 1}', 'no JSON']) {
      const shell = new DatabaseSync(path);
      shell.prepare('UPDATE vms SET document = ? WHERE name = ?').run(damage, 'web1');
      shell.close();
      assert.throws(() => store.listVms(), { code: 'storage_failed', message: /vm web1 in .* is damaged/ });
      assert.equal(store.findVm('web2')?.vm.name, 'web2');
    }
    store.close();
  });

  it('is refused when a newer program wrote it', () => {
    const path = newPath();
    openStateStore(path).close();
    const shell = new DatabaseSync(path);
    shell.exec("INSERT INTO migrations SELECT MAX(id) + 1, 'later' FROM migrations");
    shell.close();
    assert.throws(() => openStateStore(path), {
      code: 'storage_failed',
      message: /written by a newer vmm \(schema 2; this one knows 1\)/,
    });
  });

  it('is refused when it is no database', () => {
    const path = newPath();
    writeFileSync(path, 'x'.repeat(10_000));
    assert.throws(() => openStateStore(path), { code: 'storage_failed', hint: /recover/ });
    assert.throws(() => openStateStore(join(folder, 'missing', 'x.db')), { code: 'storage_failed' });
  });

  it('forgets the oldest events beyond its bound and never gives their ids again', () => {
    const path = newPath();
    const store = openStateStore(path, { keepEvents: 3 });
    for (let n = 0; n < 10; n++) {
      store.appendEvent({ type: 'vm.ready', subject: 'web1', message: String(n), at: new Date() });
    }
    const ids = (opened: StateStore) =>
      opened.listEvents({ after: 0, subject: undefined, limit: 100 }).map((event) => event.id);
    assert.deepEqual(ids(store), [8, 9, 10]);
    store.close();
    const again = openStateStore(path, { keepEvents: 3 });
    again.appendEvent({ type: 'vm.ready', subject: 'web1', message: '', at: new Date() });
    assert.deepEqual(ids(again), [9, 10, 11]);
    again.close();
  });
});

import { VmmError } from '../contract/errors.ts';
import type { VmmEvent } from '../contract/resources/event.ts';
import type { Image } from '../contract/resources/image.ts';
import type { JournalEntry, StateStore, VmRow } from '../ports/state-store.ts';

/** What a database file would hold. It outlives the store that is opened on it. */
export interface FakeDatabase {
  vms: Map<string, VmRow>;
  images: Map<string, Image>;
  journal: JournalEntry[];
  events: VmmEvent[];
  settings: Map<string, string>;
  lastEvent: number;
}

export const emptyDatabase = (): FakeDatabase => ({
  vms: new Map(),
  images: new Map(),
  journal: [],
  events: [],
  settings: new Map(),
  lastEvent: 0,
});

/** The Map twin of the SQLite store. Values are copied in and out, so nobody shares objects with it. */
export function fakeStateStore(database: FakeDatabase = emptyDatabase()): StateStore {
  let open = true;
  const db = (): FakeDatabase => {
    if (!open) throw new VmmError('storage_failed', 'The database is closed.');
    return database;
  };
  const sorted = <T extends { readonly name: string }>(items: Iterable<T>): T[] =>
    [...items].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const findVm = (same: (name: string) => boolean) => [...db().vms.values()].find((row) => same(row.vm.name));

  return {
    listVms: () => copy([...db().vms.values()].toSorted((a, b) => (a.vm.name < b.vm.name ? -1 : 1))),
    findVm: (name) => copy(findVm((other) => other === name)),
    findVmById: (id) => copy(db().vms.get(id)),
    insertVm(row) {
      const twin = findVm((other) => sameName(other, row.vm.name));
      if (twin !== undefined || db().vms.has(row.vm.id)) {
        throw new VmmError('vm_exists', `A VM named ${twin?.vm.name ?? row.vm.name} exists already.`, {
          hint: `Choose another name, or: vmm delete ${twin?.vm.name ?? row.vm.name}`,
        });
      }
      db().vms.set(row.vm.id, copy(row));
    },
    updateVm(row) {
      if (!db().vms.has(row.vm.id)) {
        throw new VmmError('vm_not_found', `There is no VM named ${row.vm.name}.`, { hint: 'See: vmm list' });
      }
      db().vms.set(row.vm.id, copy(row));
    },
    deleteVm: (id) => void db().vms.delete(id),

    listImages: () => copy(sorted(db().images.values())),
    findImage: (name) => copy(db().images.get(name)),
    putImage: (image) => void db().images.set(image.name, copy(image)),
    deleteImage: (name) => void db().images.delete(name),

    journal(entry) {
      const { journal } = db();
      const known = journal.findIndex((other) => other.sagaId === entry.sagaId && other.index === entry.index);
      if (known === -1) journal.push(copy(entry));
      else journal[known] = copy(entry);
    },
    openJournal() {
      const entries = db().journal;
      const age = (entry: JournalEntry) => entries.findIndex((other) => other.sagaId === entry.sagaId);
      return copy(entries.toSorted((a, b) => age(a) - age(b) || a.index - b.index));
    },
    closeSaga(sagaId) {
      db().journal = db().journal.filter((entry) => entry.sagaId !== sagaId);
    },

    appendEvent({ type, subject, message, at }) {
      const event: VmmEvent = { id: ++db().lastEvent, at: at.toISOString(), type, subject, message };
      db().events.push(event);
      return copy(event);
    },
    listEvents({ after, subject, limit }) {
      const wanted = (event: VmmEvent) => event.id > after && (subject === undefined || event.subject === subject);
      return copy(db().events.filter(wanted).slice(0, limit));
    },

    getSetting: (key) => db().settings.get(key),
    setSetting: (key, value) => void db().settings.set(key, value),
    transaction(work) {
      const before = snapshot(db());
      try {
        return work();
      } catch (error) {
        Object.assign(database, before);
        throw error;
      }
    },
    close() {
      open = false;
    },
  };
}

/** Names differ by more than case: they are also host names, and console logs are named by them. */
const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const copy = <T>(value: T): T => structuredClone(value);

/** Rows are never changed in place, so copies of the containers are enough. */
function snapshot({ vms, images, journal, events, settings, lastEvent }: FakeDatabase): FakeDatabase {
  return {
    vms: new Map(vms),
    images: new Map(images),
    journal: [...journal],
    events: [...events],
    settings: new Map(settings),
    lastEvent,
  };
}

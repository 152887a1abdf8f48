import type { StateStore } from '../../ports/state-store.ts';
import type { Database } from './database.ts';
import { parseImage } from './documents.ts';

type ImageTable = Pick<StateStore, 'listImages' | 'findImage' | 'putImage' | 'deleteImage'>;

export function imageTable(db: Database): ImageTable {
  return {
    listImages: () => db.all('SELECT name, document FROM images ORDER BY name').map((row) => parseImage(row, db.path)),
    findImage(name) {
      const row = db.get('SELECT name, document FROM images WHERE name = ?', name);
      return row === undefined ? undefined : parseImage(row, db.path);
    },
    putImage(image) {
      const upsert = `INSERT INTO images (name, document) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET document = excluded.document`;
      db.run(upsert, image.name, JSON.stringify(image));
    },
    deleteImage: (name) => void db.run('DELETE FROM images WHERE name = ?', name),
  };
}

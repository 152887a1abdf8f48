import { rmSync, statSync, writeFileSync } from 'node:fs';

/** Room for some hundred writes of the database and its log. */
const sizeBytes = 2 ** 20;

/** Room on the disk that is taken while there is enough, and given up once when there is none. */
export class DiskReserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** On a disk that is full already there is nothing to set aside. */
  make(): void {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size === sizeBytes) return;
      writeFileSync(this.#path, Buffer.alloc(sizeBytes), { mode: 0o600 });
    } catch {
      rmSync(this.#path, { force: true });
    }
  }

  /** Whether there was something to give. */
  give(): boolean {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}

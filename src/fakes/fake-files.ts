import { VmmError } from '../contract/errors.ts';

/** The files of an imagined data directory: only which there are and how much disk each takes. */
export class FakeFiles {
  capacityBytes = 1024 ** 4;
  readonly #files = new Map<string, number>();

  /** Throws disk_full, and then nothing is left of it. */
  put(path: string, bytes: number): void {
    const free = this.freeBytes() + (this.#files.get(path) ?? 0);
    if (bytes > free) {
      throw new VmmError('disk_full', `There is no room for ${path}.`, { hint: 'Make room, see: vmm image list' });
    }
    this.#files.set(path, bytes);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  move(from: string, to: string): void {
    this.put(to, this.#files.get(from) ?? 0);
    this.#files.delete(from);
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  removeTree(folder: string): void {
    for (const path of this.under(folder)) this.#files.delete(path);
  }

  under(folder: string): readonly string[] {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`)).toSorted();
  }

  freeBytes(): number {
    let used = 0;
    for (const bytes of this.#files.values()) used += bytes;
    return this.capacityBytes - used;
  }
}

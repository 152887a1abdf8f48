import { VmmError } from '../contract/errors.ts';
import type { HostInfo } from '../ports/host-info.ts';

export type PathKind = Awaited<ReturnType<HostInfo['pathKind']>>;

/** An imagined host: 8 cpus, 16 GiB, root, and the paths a test puts there. */
export class FakeHost implements HostInfo {
  cpuCount = 8;
  memory = 16_384;
  root = true;
  readonly #paths = new Map<string, PathKind>([['/', 'directory']]);
  readonly #links = new Map<string, string>();

  setPath(path: string, kind: PathKind): void {
    this.#paths.set(path, kind);
  }

  /** A symbolic link. */
  link(path: string, target: string): void {
    this.#links.set(path, target);
  }

  cpus(): number {
    return this.cpuCount;
  }

  memoryMiB(): number {
    return this.memory;
  }

  isRoot(): boolean {
    return this.root;
  }

  async pathKind(path: string): Promise<PathKind> {
    return this.#paths.get(this.#links.get(path) ?? path) ?? 'missing';
  }

  async realPath(path: string): Promise<string> {
    const target = this.#links.get(path) ?? path;
    if (this.#paths.has(target)) return target;
    throw new VmmError('storage_failed', `The path ${path} cannot be resolved.`);
  }
}

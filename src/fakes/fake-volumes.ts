import { VmmError } from '../contract/errors.ts';
import type { Layout } from '../domain/layout.ts';
import type { Clock } from '../ports/clock.ts';
import type { SeedFile, VmDisk, VolumeStore } from '../ports/volume-store.ts';
import type { FakeFiles } from './fake-files.ts';
import type { FakeHost } from './fake-host.ts';
import { stopIfAborted } from './fake-network.ts';

type CreateDisk = Parameters<VolumeStore['createDisk']>[0];
type CreateMountImage = Parameters<VolumeStore['createMountImage']>[0];

/** VM files in an imagined data directory. */
export class FakeVolumes implements VolumeStore {
  kind: VmDisk['kind'] = 'overlay';
  /** Contents of seeds, by path. */
  readonly seeds = new Map<string, readonly SeedFile[]>();
  /** Images the guest wrote to since they were made or pulled. */
  readonly #written = new Set<string>();
  readonly #files: FakeFiles;
  readonly #layout: Layout;
  readonly #host: FakeHost;
  readonly #clock: Clock;

  constructor(deps: { files: FakeFiles; layout: Layout; host: FakeHost; clock: Clock }) {
    this.#files = deps.files;
    this.#layout = deps.layout;
    this.#host = deps.host;
    this.#clock = deps.clock;
  }

  /** The guest writes to a mount. */
  guestWrites(vmId: string, tag: string): void {
    this.#written.add(this.mountImagePath(vmId, tag));
  }

  async createDisk({ vmId, basePath, sizeBytes, signal }: CreateDisk): Promise<VmDisk> {
    stopIfAborted(signal);
    if (!this.#files.has(basePath)) throw new VmmError('storage_failed', `The base image ${basePath} is missing.`);
    const path = this.#layout.vmDisk(vmId);
    this.#files.put(path, 1024 ** 2);
    return { kind: this.kind, path, sizeBytes };
  }

  async growDisk(disk: VmDisk, sizeBytes: number, signal: AbortSignal): Promise<VmDisk> {
    stopIfAborted(signal);
    if (!this.#files.has(disk.path)) throw new VmmError('storage_failed', `The disk ${disk.path} is missing.`);
    return { ...disk, sizeBytes: Math.max(disk.sizeBytes, sizeBytes) };
  }

  async createMountImage({ vmId, tag, source, signal }: CreateMountImage): Promise<{ readonly path: string }> {
    stopIfAborted(signal);
    if ((await this.#host.pathKind(source)) !== 'directory') {
      throw new VmmError('invalid_mount', `${source} is no directory that can be read.`);
    }
    const path = this.mountImagePath(vmId, tag);
    this.#files.put(path, 4 * 1024 ** 2);
    this.#written.delete(path);
    return { path };
  }

  mountImagePath(vmId: string, tag: string): string {
    return this.#layout.mountImage(vmId, tag);
  }

  async mountHasWrites(vmId: string, tag: string): Promise<boolean> {
    return this.#written.has(this.mountImagePath(vmId, tag));
  }

  async markPulled(vmId: string, tag: string): Promise<void> {
    this.#written.delete(this.mountImagePath(vmId, tag));
  }

  async keepMountImage(vmId: string, tag: string): Promise<string> {
    const path = this.mountImagePath(vmId, tag);
    if (!this.#files.has(path)) throw new VmmError('storage_failed', `The mount image ${path} is missing.`);
    const time = this.#clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replaceAll(/[-:]/g, '');
    let kept = time;
    for (let count = 2; this.#files.has(this.keptPath(vmId, tag, kept)); count++) kept = `${time}-${count}`;
    this.#files.move(path, this.keptPath(vmId, tag, kept));
    this.#written.delete(path);
    return kept;
  }

  async listKept(vmId: string, tag: string): Promise<readonly string[]> {
    const prefix = `${this.#layout.vmMounts(vmId)}/${tag}.kept-`;
    const paths = this.#files.under(this.#layout.vmMounts(vmId)).filter((path) => path.startsWith(prefix));
    const names = paths.map((path) => path.slice(prefix.length, -'.ext4'.length));
    return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  keptPath(vmId: string, tag: string, kept: string): string {
    if (!/^\d{8}T\d{6}Z(-\d{1,6})?$/.test(kept)) {
      throw new VmmError('mount_not_found', `There is no kept copy "${kept}" of mount ${tag}.`);
    }
    return `${this.#layout.vmMounts(vmId)}/${tag}.kept-${kept}.ext4`;
  }

  async removeKept(vmId: string, tag: string, kept: string): Promise<void> {
    this.#files.remove(this.keptPath(vmId, tag, kept));
  }

  async removeMount(vmId: string, tag: string): Promise<void> {
    this.#files.remove(this.mountImagePath(vmId, tag));
    this.#written.delete(this.mountImagePath(vmId, tag));
  }

  async writeSeed(vmId: string, files: readonly SeedFile[]): Promise<string> {
    const path = this.#layout.vmSeed(vmId);
    this.#files.put(path, 10_240);
    this.seeds.set(path, files);
    return path;
  }

  async removeSeed(vmId: string): Promise<void> {
    this.#files.remove(this.#layout.vmSeed(vmId));
    this.seeds.delete(this.#layout.vmSeed(vmId));
  }

  async removeVm(vmId: string): Promise<void> {
    this.#files.removeTree(this.#layout.vmDir(vmId));
    this.#files.removeTree(this.#layout.vmMounts(vmId));
    this.seeds.delete(this.#layout.vmSeed(vmId));
  }

  async listVmIds(): Promise<readonly string[]> {
    const idsUnder = (folder: string) =>
      this.#files.under(folder).map((path) => path.slice(folder.length + 1).split('/')[0] ?? '');
    return [...new Set([...idsUnder(this.#layout.vms), ...idsUnder(this.#layout.mounts)])].toSorted();
  }

  async freeBytes(): Promise<number> {
    return this.#files.freeBytes();
  }
}

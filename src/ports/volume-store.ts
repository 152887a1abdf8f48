/** The writable disk of a VM. `overlay`: the image is a shared read-only drive and `path` the upper layer. */
export interface VmDisk {
  readonly kind: 'reflink' | 'overlay';
  readonly path: string;
  readonly sizeBytes: number;
}

/** Disks, mount images and seeds of VMs: plain files under the data directory. Nothing is ever mounted on the host. */
export interface VolumeStore {
  /** Makes a VM's disk from a base image: reflink where the file system can, else an empty ext4 for the overlay. Atomic. Errors: disk_full, storage_failed. */
  createDisk(options: {
    readonly vmId: string;
    readonly basePath: string;
    readonly sizeBytes: number;
    readonly signal: AbortSignal;
  }): Promise<VmDisk>;
  /** Grows the file; the guest grows its file system at the next boot. Errors: disk_full, storage_failed. */
  growDisk(disk: VmDisk, sizeBytes: number, signal: AbortSignal): Promise<VmDisk>;
  /** Makes the ext4 image of a host directory, without mounting, as the size needs (label `vmm-<n>`); atomic. Errors: invalid_mount, disk_full, storage_failed. */
  createMountImage(options: {
    readonly vmId: string;
    readonly tag: string;
    readonly source: string;
    readonly signal: AbortSignal;
  }): Promise<{ readonly path: string }>;
  mountImagePath(vmId: string, tag: string): string;
  /** The guest wrote to the image since it was made or marked pulled: file modified after the mark. */
  mountHasWrites(vmId: string, tag: string): Promise<boolean>;
  markPulled(vmId: string, tag: string): Promise<void>;
  /** Moves the image aside and returns the name of the kept copy. */
  keepMountImage(vmId: string, tag: string): Promise<string>;
  listKept(vmId: string, tag: string): Promise<readonly string[]>;
  keptPath(vmId: string, tag: string, kept: string): string;
  removeKept(vmId: string, tag: string, kept: string): Promise<void>;
  removeMount(vmId: string, tag: string): Promise<void>;
  /** Writes the seed (a tar, padded to 512-byte sectors), 0600, atomic; returns its path. First member is named `vmm-seed`. */
  writeSeed(vmId: string, files: readonly SeedFile[]): Promise<string>;
  /** Idempotent. */
  removeSeed(vmId: string): Promise<void>;
  /** The VM's directory and all in it, and its mount images. Idempotent. */
  removeVm(vmId: string): Promise<void>;
  /** Ids that have files on disk, for reconcile. */
  listVmIds(): Promise<readonly string[]>;
  /** Bytes free for the data directory. */
  freeBytes(): Promise<number>;
}

export interface SeedFile {
  /** Relative path inside the seed. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
}

import type { EventType, VmmEvent } from '../contract/resources/event.ts';
import type { Image, ImageConfig } from '../contract/resources/image.ts';
import type { Vm } from '../contract/resources/vm.ts';
import type { VmmRecord } from './hypervisor.ts';
import type { VmDisk } from './volume-store.ts';

/** A VM with what only the host needs to know. `vm` alone leaves the daemon. */
export interface VmRow {
  readonly vm: Vm;
  readonly machineId: string;
  /** Keys the guest's sshd has: vmm gave them, so vmm can check them. */
  readonly hostPrivateKey: string;
  readonly hostPublicKey: string;
  readonly disk: VmDisk;
  /** The base image as it was at creation: an image made anew under the same name changes no VM. */
  readonly baseDigest: string;
  readonly imageConfig: ImageConfig;
  /** The VMM process of the present or last run. */
  readonly record: VmmRecord | undefined;
  /** Stopped by the user's word: autostart leaves it alone. */
  readonly stoppedByUser: boolean;
}

/** One journalled step of a saga. */
export interface JournalEntry {
  readonly sagaId: string;
  readonly saga: string;
  /** The VM or image it is about. */
  readonly subject: string;
  readonly step: string;
  readonly index: number;
  /** What undo needs, plain JSON. */
  readonly data: unknown;
}

/** SQLite under the data directory. All calls are synchronous and transactional; each throws storage_failed or disk_full. */
export interface StateStore {
  listVms(): readonly VmRow[];
  findVm(name: string): VmRow | undefined;
  findVmById(id: string): VmRow | undefined;
  /** Throws vm_exists. */
  insertVm(row: VmRow): void;
  /** Replaces the whole row. */
  updateVm(row: VmRow): void;
  deleteVm(id: string): void;

  listImages(): readonly Image[];
  findImage(name: string): Image | undefined;
  /** Inserts or replaces by name. */
  putImage(image: Image): void;
  deleteImage(name: string): void;

  /** Written before the step runs. */
  journal(entry: JournalEntry): void;
  /** Open entries, oldest saga first, steps in order. */
  openJournal(): readonly JournalEntry[];
  closeSaga(sagaId: string): void;

  appendEvent(event: {
    readonly type: EventType;
    readonly subject: string;
    readonly message: string;
    readonly at: Date;
  }): VmmEvent;
  listEvents(filter: {
    readonly after: number;
    readonly subject: string | undefined;
    readonly limit: number;
  }): readonly VmmEvent[];

  getSetting(key: string): string | undefined;
  setSetting(key: string, value: string): void;
  /** Runs in one transaction; rolls back when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

import { open, readFile, rename } from 'node:fs/promises';
import type { PublishedStatus } from '../contract/resources/host.ts';
import type { Vm } from '../contract/resources/vm.ts';
import type { Logger } from './logger.ts';

/** Changes come in bursts; the file is written at most this often. */
const minGapMs = 200;

export interface StatusPublisher {
  /** Cheap; the file follows soon. */
  changed(): void;
  /** Writes the last state, which says that the daemon has ended. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly path: string;
  readonly version: string;
  readonly socket: string;
  readonly vms: () => readonly Vm[];
  readonly logger: Logger;
}

/** Keeps the file that everybody may read in step with the VMs. It never fails the daemon: a full disk leaves it old. */
export async function createStatusPublisher(options: PublisherOptions): Promise<StatusPublisher> {
  const { path, version, socket, vms, logger } = options;
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  const write = (daemon: PublishedStatus['daemon']) => {
    writing = writing
      .then(() =>
        writeAtomically(path, {
          version,
          bootId,
          writtenAt: new Date().toISOString(),
          daemon,
          vms: vms().map(publishable),
        }),
      )
      .catch((error: unknown) => logger.warn({ err: error, path }, 'the status file could not be written'));
    return writing;
  };
  const alive = { pid: process.pid, socket };
  await write(alive);

  return {
    changed() {
      if (closed) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void write(alive);
      }, minGapMs);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await write(null);
    },
  };
}

/** User data often holds passwords, and this file has no secrets. */
function publishable(vm: Vm): Vm {
  const { userData: _, ...spec } = vm.spec;
  return { ...vm, spec };
}

async function writeAtomically(path: string, status: PublishedStatus): Promise<void> {
  const half = `${path}.tmp`;
  await using file = await open(half, 'w', 0o600);
  await file.writeFile(JSON.stringify(status));
  await file.chmod(0o644);
  await rename(half, path);
}

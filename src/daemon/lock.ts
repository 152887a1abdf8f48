import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmmError } from '../contract/errors.ts';

export interface DaemonLock extends Disposable {
  release(): void;
}

/**
 * One daemon a data directory, by a lock that the kernel holds for the process and drops with it, however it ends:
 * nothing is ever left to clean up. It is SQLite's exclusive lock on an empty database, a POSIX record lock (fcntl(2)).
 * Why not others: Node has no flock(2), and children would inherit it; a program that holds it for us is one more thing to
 * watch; an abstract socket is another one in each network namespace; a pid file outlives its process.
 *
 * Waits up to `timeoutMs` for a daemon that is about to go. Errors: daemon_running.
 */
export async function acquireDaemonLock(
  path: string,
  options: { readonly timeoutMs: number; readonly isServed: () => Promise<boolean>; readonly signal: AbortSignal },
): Promise<DaemonLock> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (Date.now() >= deadline || (await options.isServed())) {
      throw new VmmError('daemon_running', `A daemon runs already for this data directory (${path} is locked).`, {
        hint: 'See `vmm daemon status`; end it with `vmm daemon stop`.',
      });
    }
    await sleep(50, undefined, { signal: options.signal });
  }
}

function tryLock(path: string): DaemonLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    if (isBusy(thrown)) return undefined;
    throw new VmmError('storage_failed', `The daemon’s lock ${path} cannot be taken.`, { cause: thrown });
  }
  const release = () => {
    if (database.isOpen) database.close();
  };
  return { release, [Symbol.dispose]: release };
}

/** SQLITE_BUSY (5), with any extended code above it. */
function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && (Number(thrown.errcode) & 0xff) === 5;
}

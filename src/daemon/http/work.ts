import { randomUUID } from 'node:crypto';
import { VmmError } from '../../contract/errors.ts';

/** One running change. It lives on when its client goes, and ends early only when cancelled or when the daemon stops. */
export interface Work {
  readonly id: string;
  readonly signal: AbortSignal;
  done(): void;
}

/** All running changes: what `operation.cancel` finds, and what the daemon waits for before it goes. */
export interface WorkRegistry {
  /** Throws daemon_busy when the daemon has too much to do. */
  begin(): Work;
  /** Throws daemon_busy when the daemon is stopping. */
  assertOpen(): void;
  /** Throws operation_not_found. */
  cancel(id: string): void;
  count(): number;
  /** From now on nothing new is begun. */
  refuse(): void;
  cancelAll(): void;
  /** Resolves once nothing runs, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
}

/** Far above what a host can do at once; it bounds the memory that a caller gone wild can take. */
const most = 1024;

export function createWorkRegistry(onChange: () => void): WorkRegistry {
  const running = new Map<string, AbortController>();
  const waiting = new Set<() => void>();
  let refusing = false;

  const end = (id: string) => {
    running.delete(id);
    if (running.size === 0) for (const wake of waiting) wake();
    onChange();
  };

  return {
    begin() {
      if (running.size >= most) {
        throw new VmmError('daemon_busy', `The daemon has ${most} operations under way and takes no more.`, {
          hint: 'Try again in a moment.',
        });
      }
      const id = randomUUID();
      const controller = new AbortController();
      running.set(id, controller);
      onChange();
      return { id, signal: controller.signal, done: () => end(id) };
    },
    assertOpen() {
      if (refusing) throw new VmmError('daemon_busy', 'The daemon is stopping.', { hint: 'Try again in a moment.' });
    },
    cancel(id) {
      const controller = running.get(id);
      if (controller === undefined) {
        throw new VmmError('operation_not_found', `There is no operation ${id}, or it has ended.`);
      }
      controller.abort();
    },
    count: () => running.size,
    refuse: () => {
      refusing = true;
    },
    cancelAll() {
      for (const controller of running.values()) controller.abort();
    },
    settled(timeoutMs) {
      if (running.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          waiting.delete(finish);
          resolve();
        };
        const timer = setTimeout(finish, timeoutMs);
        waiting.add(finish);
      });
    },
  };
}

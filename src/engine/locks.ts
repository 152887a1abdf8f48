import { VmmError } from '../contract/errors.ts';

/** The lock of whoever claims a name, an address, a host port or an image: what was found free must still be free when it is written down. Taken after a VM's own. */
export const claims = 'claims';

/** Named locks inside the one daemon. First come, first served. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();
  /** What the requests that hold or await a lock are about to do, in their order. */
  readonly #requests = new Map<string, string[]>();

  /** Waits for the lock. */
  async wait(key: string, purpose: string): Promise<AsyncDisposable> {
    const requests = this.#requests.get(key) ?? [];
    this.#requests.set(key, requests);
    requests.push(purpose);
    return this.#queue(key, () => {
      requests.splice(requests.indexOf(purpose), 1);
      if (requests.length === 0) this.#requests.delete(key);
    });
  }

  /** Waits for the lock on nobody's behalf: requests that come meanwhile wait in line and are not refused. */
  async tidy(key: string): Promise<AsyncDisposable> {
    return this.#queue(key, () => undefined);
  }

  /** Takes the lock at once or throws vm_busy, naming what holds it. */
  async take(key: string, name: string, purpose: string): Promise<AsyncDisposable> {
    const [holder] = this.#requests.get(key) ?? [];
    if (holder === undefined) return this.wait(key, purpose);
    throw new VmmError('vm_busy', `VM ${name} is busy: another request is about to ${holder} it.`, {
      hint: `Wait for it and try again: vmm wait ${name}`,
    });
  }

  async #queue(key: string, onRelease: () => void): Promise<AsyncDisposable> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const tail = before.then(() => promise);
    this.#tails.set(key, tail);
    await before;
    return {
      [Symbol.asyncDispose]: async () => {
        onRelease();
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
        resolve();
      },
    };
  }
}

import { VmmError } from '../contract/errors.ts';

/** Named locks inside the one daemon. First come, first served. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #holders = new Map<string, string>();

  /** Waits for the lock. */
  async wait(key: string, purpose: string): Promise<AsyncDisposable> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const tail = before.then(() => promise);
    this.#tails.set(key, tail);
    await before;
    this.#holders.set(key, purpose);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#holders.delete(key);
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
        resolve();
      },
    };
  }

  /** Takes the lock at once or throws vm_busy, naming what holds it. */
  async take(key: string, name: string, purpose: string): Promise<AsyncDisposable> {
    if (this.#tails.has(key)) {
      const holder = this.#holders.get(key) ?? purpose;
      throw new VmmError('vm_busy', `VM ${name} is busy: another request is about to ${holder} it.`, {
        hint: `Wait for it and try again: vmm wait ${name}`,
      });
    }
    return this.wait(key, purpose);
  }
}

import type { Clock } from '../ports/clock.ts';

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/**
 * Virtual time. As long as `auto` holds, time leaps to the earliest sleeper whenever nobody else has anything to do;
 * without it, time moves by advance() alone.
 */
export class FakeClock implements Clock {
  auto = true;
  #now: number;
  #sleepers: Sleeper[] = [];
  #leapPlanned = false;

  constructor(start = new Date('2026-01-01T00:00:00Z')) {
    this.#now = start.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(new DOMException('The sleep was cancelled.', 'AbortError'));
      };
      const sleeper: Sleeper = {
        wakeAt: this.#now + ms,
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
      if (this.auto) this.#planLeap();
    });
  }

  /** How many wait at this moment. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Moves time on and lets everybody who wakes on the way run, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await quiet();
    for (let next = this.#earliest(); next !== undefined && next.wakeAt <= end; next = this.#earliest()) {
      this.#wake(next);
      await quiet();
    }
    this.#now = Math.max(this.#now, end);
  }

  #planLeap(): void {
    if (this.#leapPlanned) return;
    this.#leapPlanned = true;
    void quiet().then(() => {
      this.#leapPlanned = false;
      const next = this.#earliest();
      if (next === undefined || !this.auto) return;
      this.#wake(next);
      if (this.#sleepers.length > 0) this.#planLeap();
    });
  }

  #earliest(): Sleeper | undefined {
    return this.#sleepers.toSorted((a, b) => a.wakeAt - b.wakeAt)[0];
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    this.#now = Math.max(this.#now, sleeper.wakeAt);
    sleeper.wake();
  }
}

/** Resolves when all that is ready to run has run. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

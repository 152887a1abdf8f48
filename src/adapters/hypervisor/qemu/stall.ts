import { z } from 'zod';
import type { Clock } from '../../../ports/clock.ts';
import type { QmpEvent } from './qmp.ts';

const tryAgainMs = 3_000;
/** QEMU repeats the writes that failed as soon as the guest goes on, and holds it again when they fail again. */
const settleMs = 1_000;

/** Of all errors QEMU holds a guest for this one alone (its default `werror=enospc`); the others it hands to the guest. */
const noRoom = 'the file system of its disk is full; it goes on by itself once there is room';
const statusSchema = z.object({ status: z.string() });

interface Deps {
  readonly clock: Clock;
  /** Sends a command to QEMU; rejects while there is no connection. */
  readonly execute: (command: string) => Promise<unknown>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** Knows when QEMU holds the guest because a write found no room, and lets it go on once there is some. */
export class StallWatch {
  readonly #deps: Deps;
  readonly #listeners = new Set<(trouble: string | undefined) => void>();
  #holds = 0;
  #trouble: string | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Told at once how it is, then of every change, and again with every vain try: whoever could not note it then may now. */
  listen(listener: (trouble: string | undefined) => void): void {
    this.#listeners.add(listener);
    listener(this.#trouble);
  }

  onEvent({ name, data }: QmpEvent): void {
    if (name !== 'BLOCK_IO_ERROR' || data.action !== 'stop') return;
    this.#holds++;
    this.#begin();
  }

  /** For a connection made anew: the guest may be held since before it. */
  async look(): Promise<void> {
    if ((await this.#status()) === 'io-error') this.#begin();
  }

  #begin(): void {
    if (this.#trouble !== undefined || this.#deps.signal.aborted) return;
    this.#tell(noRoom);
    void this.#untilItGoesOn();
  }

  async #untilItGoesOn(): Promise<void> {
    for (;;) {
      await this.#pause(tryAgainMs);
      if (this.#deps.signal.aborted) return;
      // Somebody else may have let it go on, or hold it for reasons of their own.
      if ((await this.#status()) === 'io-error') await this.#deps.execute('cont').catch(() => undefined);
      await this.#pause(settleMs);
      const holds = this.#holds;
      const status = await this.#status();
      if (this.#deps.signal.aborted) return;
      // An event may have come in behind the answer.
      if (status !== undefined && status !== 'io-error' && holds === this.#holds) return this.#tell(undefined);
      this.#tell(noRoom);
    }
  }

  #tell(trouble: string | undefined): void {
    this.#trouble = trouble;
    for (const listener of this.#listeners) listener(trouble);
  }

  async #status(): Promise<string | undefined> {
    const answer = await this.#deps.execute('query-status').catch(() => undefined);
    return statusSchema.safeParse(answer).data?.status;
  }

  #pause(ms: number): Promise<void> {
    return this.#deps.clock.sleep(ms, this.#deps.signal).catch(() => undefined);
  }
}

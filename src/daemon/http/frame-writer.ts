import type { ServerResponse } from 'node:http';
import type { Frame, Progress } from '../../contract/stream.ts';

/** A step that reports faster than people read is thinned out to this. */
const minGapMs = 100;
/** Notices kept for a client that does not read. */
const mostNotices = 100;
/** What a client that does not read is given to fetch the last frame. */
const lastFrameMs = 30_000;

/**
 * Writes frames as fast as the client reads and never makes the work wait: while the client does not read, only the
 * newest progress, the notices and the last frame are kept. After the client is gone all calls do nothing.
 */
export class FrameWriter {
  readonly #response: ServerResponse;
  #blocked = false;
  #progress: Progress | undefined;
  #lastStep: string | undefined;
  #lastWriteAt = 0;
  #gapTimer: NodeJS.Timeout | undefined;
  readonly #notices: string[] = [];
  #last: Frame | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    response.on('close', () => clearTimeout(this.#gapTimer));
    // The client went in the middle of a write; 'close' follows.
    response.on('error', () => undefined);
  }

  operation(id: string): void {
    this.#write({ type: 'operation', id });
  }

  progress(progress: Progress): void {
    if (this.#last !== undefined) return;
    // The last word of the step before is not lost in the thinning.
    if (this.#progress !== undefined && this.#progress.step !== progress.step) this.#writeProgress();
    this.#progress = progress;
    const wait = progress.step === this.#lastStep ? this.#lastWriteAt + minGapMs - Date.now() : 0;
    if (wait <= 0) this.#writeProgress();
    else this.#gapTimer ??= setTimeout(() => this.#writeProgress(), wait);
  }

  notice(message: string): void {
    if (this.#last !== undefined) return;
    this.#notices.push(message);
    if (this.#notices.length > mostNotices) this.#notices.shift();
    this.#flush();
  }

  /** The result or the error; nothing comes after it. */
  end(last: Frame): void {
    this.#last = last;
    this.#flush();
    if (this.#response.closed || this.#response.writableFinished) return;
    const timer = setTimeout(() => this.#response.destroy(), lastFrameMs);
    this.#response.on('close', () => clearTimeout(timer));
  }

  #writeProgress(): void {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
    if (this.#blocked || this.#progress === undefined) return;
    this.#lastStep = this.#progress.step;
    this.#lastWriteAt = Date.now();
    const frame: Frame = { type: 'progress', ...this.#progress };
    this.#progress = undefined;
    this.#write(frame);
  }

  #flush(): void {
    this.#writeProgress();
    while (!this.#blocked && this.#notices.length > 0) {
      this.#write({ type: 'notice', message: this.#notices.shift() ?? '' });
    }
    if (this.#blocked || this.#last === undefined || this.#response.writableEnded) return;
    this.#response.end(`${JSON.stringify(this.#last)}\n`);
  }

  #write(frame: Frame): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (!this.#response.write(`${JSON.stringify(frame)}\n`)) this.#blocked = true;
  }
}

/** Keeps the last `limit` bytes of what is written to it, so that a talkative program cannot fill our memory. */
export class OutputTail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  write(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // Cut at twice the limit only, so that the copying is paid once per `limit` bytes.
    if (this.#length > 2 * this.#limit) this.#cut();
  }

  toString(): string {
    this.#cut();
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  #cut(): void {
    if (this.#length <= this.#limit) return;
    const kept = Buffer.from(Buffer.concat(this.#chunks).subarray(-this.#limit));
    this.#chunks = [kept];
    this.#length = kept.length;
  }
}

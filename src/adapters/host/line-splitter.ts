import { StringDecoder } from 'node:string_decoder';

/** A longer line is handed on in parts. */
const longestLine = 64 * 1024;

/** Turns chunks into lines. A carriage return ends a line too: progress bars use it. Empty lines are left out. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const parts = (this.#rest + this.#decoder.write(chunk)).split(/[\r\n]+/);
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > longestLine) {
      parts.push(this.#rest);
      this.#rest = '';
    }
    for (const part of parts) if (part !== '') this.#onLine(part);
  }

  end(): void {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (last !== '') this.#onLine(last);
  }
}

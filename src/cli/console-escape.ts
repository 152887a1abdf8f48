const ctrlBracket = 0x1d;
const newline = new Set([0x0a, 0x0d]);
const tilde = 0x7e;
const dot = 0x2e;

export interface Typed {
  /** What goes to the guest. */
  readonly bytes: Buffer;
  readonly leave: boolean;
}

/**
 * Finds the escape in what is typed: Ctrl-] anywhere, or `~.` at the beginning of a line. A `~` there is held back until
 * the next key tells; `~~` sends one. Keeps its state between chunks.
 */
export function createEscape(): (chunk: Buffer) => Typed {
  let atLineStart = true;
  let held = false;
  return (chunk) => {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (byte === ctrlBracket) return { bytes: Buffer.from(bytes), leave: true };
      if (held) {
        held = false;
        if (byte === dot) return { bytes: Buffer.from(bytes), leave: true };
        bytes.push(tilde);
        atLineStart = false;
        if (byte === tilde) continue;
      } else if (atLineStart && byte === tilde) {
        held = true;
        continue;
      }
      bytes.push(byte);
      atLineStart = newline.has(byte);
    }
    return { bytes: Buffer.from(bytes), leave: false };
  };
}

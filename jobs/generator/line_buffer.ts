/**
 * Lines of text gathered as UTF-8 bytes.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Lines that are encoded together: one call a line would cost as much as the line itself. */
const TOGETHER = 16;

/** UTF-8 bytes that one UTF-16 unit takes at most. */
const WORST_UNIT = 3;

/** Grows with what it holds. */
export class LineBuffer {
  /** Number of lines held. */
  lines = 0;
  #pending = "";
  #pendingLines = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity bytes to make room for at first. */
  constructor(capacity = 1_024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes held, to within the last few lines. */
  get size(): number {
    return this.#length + this.#pending.length;
  }

  /** Adds a line; the line feed is added to it. */
  add(line: string): void {
    this.#pending += line;
    this.#pending += "\n";
    this.lines++;
    if (++this.#pendingLines === TOGETHER) this.#encode();
  }

  /** The bytes of all lines. The buffer must not be used any more. */
  take(): Uint8Array<ArrayBuffer> {
    this.#encode();
    return this.#bytes.subarray(0, this.#length);
  }

  #encode(): void {
    const needed = this.#length + this.#pending.length * WORST_UNIT;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#length += encoder.encodeInto(this.#pending, this.#bytes.subarray(this.#length)).written;
    this.#pending = "";
    this.#pendingLines = 0;
  }
}

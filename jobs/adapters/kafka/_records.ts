/**
 * The records in a batch of message format 2 (kafka.apache.org/documentation/#record). Headers are
 * skipped.
 *
 * @module
 */

/** Moves from record to record; the fields are those of the current one. */
export class RecordCursor {
  /** Relative to the batch's first offset. */
  offset = 0;
  /** Milliseconds since the batch's first timestamp. */
  timestamp = 0;
  key: Uint8Array | null = null;
  value: Uint8Array | null = null;
  readonly #bytes: Uint8Array;
  #at = 0;
  #left: number;

  /** Starts before the first of `count` records. */
  constructor(bytes: Uint8Array, count: number) {
    if (count < 0) throw malformed();
    this.#bytes = bytes;
    this.#left = count;
  }

  /**
   * Moves to the next record; returns false after the last.
   *
   * @throws {RangeError} if the bytes are not records, or not that many.
   */
  next(): boolean {
    if (this.#left-- === 0) {
      if (this.#at !== this.#bytes.length) throw malformed();
      return false;
    }
    const length = this.#number();
    const end = this.#at + length;
    if (length <= 0 || end > this.#bytes.length) throw malformed();
    // Attributes, which are unused.
    this.#at++;
    this.timestamp = this.#number();
    this.offset = this.#number();
    this.key = this.#field(end);
    this.value = this.#field(end);
    this.#at = end;
    return true;
  }

  #field(end: number): Uint8Array | null {
    const length = this.#number();
    if (length < 0) return null;
    const start = this.#at;
    this.#at += length;
    if (this.#at > end) throw malformed();
    return this.#bytes.subarray(start, this.#at);
  }

  /** A zigzag varint: seven bits per byte, the lowest first. */
  #number(): number {
    let number = 0;
    for (let unit = 1;; unit *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || unit > 2 ** 63) throw malformed();
      number += (byte & 127) * unit;
      if (byte < 128) break;
    }
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }
}

function malformed(): RangeError {
  return new RangeError("is malformed");
}

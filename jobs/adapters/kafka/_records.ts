/**
 * The records in a batch of message format 2, one after the other
 * (kafka.apache.org/documentation/#record). Headers are passed over.
 *
 * @module
 */

/** Goes from record to record; what stands at one is read before the next. */
export class RecordCursor {
  /** From the batch's first offset on. */
  offset = 0;
  /** Milliseconds from the batch's first timestamp on. */
  timestamp = 0;
  key: Uint8Array | null = null;
  value: Uint8Array | null = null;
  readonly #bytes: Uint8Array;
  #at = 0;
  #left: number;

  /** Before the first of so many records. */
  constructor(bytes: Uint8Array, count: number) {
    if (count < 0) throw malformed();
    this.#bytes = bytes;
    this.#left = count;
  }

  /**
   * Goes to the next record; false where there is none.
   *
   * @throws {RangeError} where the bytes are no records, or not that many.
   */
  next(): boolean {
    if (this.#left-- === 0) {
      if (this.#at !== this.#bytes.length) throw malformed();
      return false;
    }
    const length = this.#number();
    const end = this.#at + length;
    if (length <= 0 || end > this.#bytes.length) throw malformed();
    // Attributes, of which none is used.
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

  /** A signed number: seven bits a byte, the lowest first; even ones stand for those from 0 up. */
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
  return new RangeError("is not made as batches are");
}

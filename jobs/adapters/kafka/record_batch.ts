/**
 * The batches of records in a broker's answer, of message format 2
 * (kafka.apache.org/documentation/#recordbatch). An implementation of our own, since kafkajs fails
 * on a whole answer if one batch is damaged, checks no checksum, takes an unknown codec for none,
 * leaves out batches without records, and does not report all aborted transactions.
 *
 * @module
 */

import type { LogRecord, StopReason } from "@pipeline/core";
import { crc32c } from "./crc32c.ts";
import { RecordCursor } from "./_records.ts";
import { unpack } from "./compression.ts";

/** An aborted transaction, whose records are skipped. */
export interface AbortedTransaction {
  readonly producer: bigint;
  /** Offset of its first record in the partition. */
  readonly firstOffset: number;
}

/** A batch that cannot be read. */
export interface Damage {
  /** The first offset that cannot be read. */
  readonly offset: number;
  readonly reason: StopReason;
  /** Continues the sentence "the batch …". */
  readonly what: string;
  readonly cause?: unknown;
}

/** Content of an answer. */
export interface Decoded {
  /** The valid records from the requested position on. */
  readonly records: LogRecord[];
  /** The position after the last whole batch; the requested one if there is none. */
  readonly next: number;
  /** The next batch, if it cannot be read. */
  readonly damage?: Damage;
}

/** Positions in a batch. */
const LENGTH = 8;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const FIRST_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER = 43;
const COUNT = 57;
const RECORDS = 61;

/** Bits of the attributes. */
const CODEC = 7;
const APPEND_TIME = 8;
const TRANSACTIONAL = 16;
const CONTROL = 32;

/** The requested range, and the broker's information about it. */
export interface DecodeOptions {
  /** The requested position; the first batch may begin earlier. */
  readonly from: number;
  /** The end of the range that the broker may return. */
  readonly end: number;
  /** Aborted transactions in the answer. */
  readonly aborted: readonly AbortedTransaction[];
}

/** Reads the batches of an answer up to the first one that is damaged or truncated. */
export function decodeBatches(bytes: Uint8Array, options: DecodeOptions): Decoded {
  const { from, end: logEnd, aborted } = options;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const transactions = new Transactions(aborted);
  const records: LogRecord[] = [];
  let next = from;
  for (let at = 0; at < bytes.length;) {
    try {
      const end = endOf(view, at);
      if (end > bytes.length) {
        if (next > from) break;
        // Brokers send the first batch whole, however large it is.
        throw new Unreadable("format", "is longer than what the broker sent");
      }
      const batch = new Batch(bytes, view, { at, end });
      // The checksum does not cover the offset.
      if (batch.next > logEnd) {
        throw new Unreadable("format", `ends at offset ${batch.next}, the log at ${logEnd}`);
      }
      const counts = transactions.count(batch);
      // A batch that ends before the position, as in compacted topics, is skipped.
      if (counts && batch.next > next) batch.read(records, next);
      next = Math.max(next, batch.next);
      at = end;
    } catch (cause) {
      const { reason, message: what } = asUnreadable(cause);
      return { records, next, damage: { offset: next, reason, what, cause } };
    }
  }
  return { records, next };
}

/** The end of a batch; infinite if its header is truncated. */
function endOf(view: DataView, at: number): number {
  if (view.byteLength - at <= MAGIC) return Infinity;
  return at + LENGTH + 4 + view.getInt32(at + LENGTH);
}

/** Why a batch cannot be read. */
class Unreadable extends Error {
  constructor(readonly reason: StopReason, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Reading beyond the bytes, or missing bytes, means an invalid batch. */
function asUnreadable(cause: unknown): Unreadable {
  if (cause instanceof Unreadable) return cause;
  if (!(cause instanceof RangeError)) throw cause;
  return new Unreadable("format", cause.message, { cause });
}

const DECODER = new TextDecoder();

/** One batch whose checksum is correct. */
class Batch {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #at: number;
  readonly #end: number;
  readonly #attributes: number;
  readonly #base: number;
  readonly #last: number;

  constructor(
    bytes: Uint8Array,
    view: DataView,
    { at, end }: { readonly at: number; readonly end: number },
  ) {
    const magic = view.getInt8(at + MAGIC);
    if (magic !== 2) {
      const only = "only 2, which Kafka writes since 0.11, can be read";
      throw new Unreadable("format", `is of message format ${magic}; ${only}`);
    }
    if (end - at < RECORDS) throw new Unreadable("format", `has ${end - at} bytes`);
    if (crc32c(bytes.subarray(at + ATTRIBUTES, end)) !== view.getUint32(at + CRC)) {
      throw new Unreadable("checksum", "has another checksum (CRC-32C) than its bytes");
    }
    this.#bytes = bytes;
    this.#view = view;
    this.#at = at;
    this.#end = end;
    this.#attributes = view.getInt16(at + ATTRIBUTES);
    this.#base = Number(view.getBigInt64(at));
    this.#last = view.getInt32(at + LAST_OFFSET_DELTA);
  }

  /** The position after it. */
  get next(): number {
    return this.#base + this.#last + 1;
  }

  get producer(): bigint {
    return this.#view.getBigInt64(this.#at + PRODUCER);
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL) !== 0;
  }

  /** Whether it is the end marker of a transaction. */
  get isControl(): boolean {
    return (this.#attributes & CONTROL) !== 0;
  }

  /**
   * Whether that transaction was aborted: the key has a version and a type, of which 0 is abort.
   */
  get isAbort(): boolean {
    const cursor = this.#cursor();
    if (!cursor.next() || cursor.key === null || cursor.key.length < 4) return false;
    return cursor.key[2] === 0 && cursor.key[3] === 0;
  }

  /** Adds the records from a position on. */
  read(records: LogRecord[], from: number): void {
    const cursor = this.#cursor();
    const first = Number(this.#view.getBigInt64(this.#at + FIRST_TIMESTAMP));
    const appended = this.#attributes & APPEND_TIME
      ? Number(this.#view.getBigInt64(this.#at + MAX_TIMESTAMP))
      : undefined;
    const read: LogRecord[] = [];
    let before = -1;
    while (cursor.next()) {
      const { offset, key, value } = cursor;
      if (offset <= before || offset > this.#last) {
        throw new Unreadable("format", "has offsets out of order");
      }
      before = offset;
      if (this.#base + offset < from) continue;
      read.push({
        offset: this.#base + offset,
        key: key === null ? "" : DECODER.decode(key),
        value,
        timestamp: appended ?? first + cursor.timestamp,
      });
    }
    for (const record of read) records.push(record);
  }

  #cursor(): RecordCursor {
    return new RecordCursor(this.#unpacked(), this.#view.getInt32(this.#at + COUNT));
  }

  #unpacked(): Uint8Array {
    const packed = this.#bytes.subarray(this.#at + RECORDS, this.#end);
    // A batch whose records were all removed by compaction.
    if (packed.length === 0) return packed;
    try {
      return unpack(this.#attributes & CODEC, packed);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Unreadable("compression", `cannot be unpacked: ${why}`, { cause });
    }
  }
}

/** Determines which batches count: those outside of transactions, and committed ones. */
class Transactions {
  /** Aborted transactions that have not begun yet, by first offset. */
  readonly #coming: AbortedTransaction[];
  /** Producers of those that have begun. */
  readonly #aborted = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Call it with every batch, in order. */
  count(batch: Batch): boolean {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset < batch.next) {
      this.#aborted.add(this.#coming.shift()!.producer);
    }
    if (batch.isControl) {
      if (batch.isAbort) this.#aborted.delete(batch.producer);
      return false;
    }
    return !(batch.isTransactional && this.#aborted.has(batch.producer));
  }
}

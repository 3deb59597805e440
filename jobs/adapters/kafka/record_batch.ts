/**
 * The batches of records in a broker's answer, of message format 2
 * (kafka.apache.org/documentation/#recordbatch). Ours, since kafkajs fails on a whole answer where
 * one batch is damaged, checks no checksum, takes an unknown codec for none, leaves out batches
 * without records, and does not tell all aborted transactions.
 *
 * @module
 */

import type { LogRecord, StopReason } from "@pipeline/core";
import { crc32c } from "./crc32c.ts";
import { RecordCursor } from "./_records.ts";
import { unpack } from "./compression.ts";

/** A transaction whose records do not count. */
export interface AbortedTransaction {
  readonly producer: bigint;
  /** Of its first record in the partition. */
  readonly firstOffset: number;
}

/** A batch that cannot be read. */
export interface Damage {
  /** The first offset that cannot be read. */
  readonly offset: number;
  readonly reason: StopReason;
  /** Continues a sentence: the batch …. */
  readonly what: string;
  readonly cause?: unknown;
}

/** What is in an answer. */
export interface Decoded {
  /** Those that count, from the position that was asked for on. */
  readonly records: LogRecord[];
  /** The position after the last whole batch; that which was asked for where there is none. */
  readonly next: number;
  /** What follows there, where it cannot be read. */
  readonly damage?: Damage;
}

/** Places in a batch. */
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

/** Where to read, and what the broker says of it. */
export interface DecodeOptions {
  /** The position that was asked for; the first batch may begin before. */
  readonly from: number;
  /** Up to where the broker answers at most. */
  readonly end: number;
  /** Transactions in the answer that do not count. */
  readonly aborted: readonly AbortedTransaction[];
}

/** Reads the batches of an answer up to the first that is damaged, or that is there in part. */
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
      // The offset is no part of what the checksum protects.
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

/** Where a batch ends; beyond all bytes where its head is there in part. */
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

/** What reads beyond the bytes, or finds none where some must be, is not made as batches are. */
function asUnreadable(cause: unknown): Unreadable {
  if (cause instanceof Unreadable) return cause;
  if (!(cause instanceof RangeError)) throw cause;
  return new Unreadable("format", cause.message, { cause });
}

const DECODER = new TextDecoder();

/** One batch whose bytes are those that were written. */
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

  /** Whether it marks the end of a transaction. */
  get isControl(): boolean {
    return (this.#attributes & CONTROL) !== 0;
  }

  /** Whether that transaction was aborted: the key has a version and a type, which is 0. */
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
    // What is left of a batch whose records were all removed.
    if (packed.length === 0) return packed;
    try {
      return unpack(this.#attributes & CODEC, packed);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Unreadable("compression", `cannot be unpacked: ${why}`, { cause });
    }
  }
}

/** Tells which batches count: those of no transaction, and of those that were committed. */
class Transactions {
  /** By the offset at which they begin. */
  readonly #coming: AbortedTransaction[];
  /** Producers of those under way. */
  readonly #aborted = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Call it with every batch, in their order. */
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

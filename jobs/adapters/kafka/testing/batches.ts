/**
 * Handmade batches as brokers send them: valid ones, and such as no producer makes.
 *
 * @module
 */

import { crc32c } from "../crc32c.ts";

/** A record of a batch. */
export interface BatchRecord {
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Relative to the batch's first offset; its index by default. */
  readonly offset?: number;
}

/** Properties of a batch. */
export interface BatchOptions {
  /** Offset of the first record. */
  readonly base: number;
  readonly records: readonly BatchRecord[];
  /** Bits: 0 to 2 codec, 3 append time, 4 transactional, 5 control. */
  readonly attributes?: number;
  /** Compresses the records. */
  readonly pack?: (bytes: Uint8Array) => Uint8Array;
  readonly producer?: bigint;
  /** Relative offset of the batch's end; that of the last record by default. */
  readonly lastDelta?: number;
  readonly magic?: number;
  /** Number of records in the batch's header. */
  readonly count?: number;
}

/** A batch of message format 2. */
export function batch(options: BatchOptions): Uint8Array<ArrayBuffer> {
  const { base, records, pack = (bytes) => bytes, attributes = 0, producer = -1n } = options;
  const packed = pack(concat(records.map(encodeRecord)));
  const bytes = new Uint8Array(61 + packed.length);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(base));
  view.setInt32(8, bytes.length - 12);
  view.setInt8(16, options.magic ?? 2);
  view.setInt16(21, attributes);
  view.setInt32(23, options.lastDelta ?? records.at(-1)?.offset ?? records.length - 1);
  view.setBigInt64(27, 1_000n);
  view.setBigInt64(35, 9_000n);
  view.setBigInt64(43, producer);
  view.setInt32(57, options.count ?? records.length);
  bytes.set(packed, 61);
  view.setUint32(17, crc32c(bytes.subarray(21)));
  return bytes;
}

/** The end marker of a transaction. */
export function marker(base: number, producer: bigint, type: "abort" | "commit"): Uint8Array {
  const key = `\0\0\0${type === "abort" ? "\0" : "\x01"}`;
  return batch({ base, producer, attributes: 0x30, records: [{ key, value: "\0\0\0\0\0\0" }] });
}

/** Concatenates byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function encodeRecord(record: BatchRecord, place: number): Uint8Array {
  const { key = null, value = null, headers = {}, offset = place } = record;
  const body = concat([
    // Attributes, and milliseconds since the first record.
    Uint8Array.of(0),
    number(place * 10),
    number(offset),
    text(key),
    text(value),
    number(Object.keys(headers).length),
    ...Object.entries(headers).flatMap(([name, content]) => [text(name), text(content)]),
  ]);
  return concat([number(body.length), body]);
}

function text(value: string | null): Uint8Array {
  if (value === null) return number(-1);
  const bytes = new TextEncoder().encode(value);
  return concat([number(bytes.length), bytes]);
}

function number(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value < 0 ? -2 * value - 1 : 2 * value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push(left % 128 | 128);
  return Uint8Array.from([...bytes, left]);
}

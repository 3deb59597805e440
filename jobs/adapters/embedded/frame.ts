/**
 * The layout of a record in a segment file. Little-endian:
 *
 *     0  u32  bytes of the body
 *     4  u32  CRC-32 of the body
 *     8  f64  offset            } the
 *    16  f64  timestamp, ms     } body
 *    24  u32  bytes of the key; the top bit is set where the value is null
 *    28  key, then value
 *
 * @module
 */

import type { LogRecord } from "@pipeline/core";
import { crc32 } from "node:zlib";

/** Bytes of a frame before its body. */
export const FRAME_HEAD = 8;
/** Bytes of the body before the key. */
const FIXED = 20;
const NULL_VALUE = 0x80000000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Most bytes of memory that an encoded record needs. */
export function frameBound(key: string, value: Uint8Array | null): number {
  return FRAME_HEAD + FIXED + key.length * 3 + (value?.length ?? 0);
}

/** Writes consecutive frames into a buffer of its own. */
export class FrameWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #end = 0;

  /** @param bound the sum of {@linkcode frameBound} over all records to be added. */
  constructor(bound: number) {
    this.#bytes = new Uint8Array(bound);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Adds a record; returns the start of its frame. */
  add(offset: number, timestamp: number, key: string, value: Uint8Array | null): number {
    const start = this.#end;
    const body = start + FRAME_HEAD;
    const keyStart = body + FIXED;
    const keyBytes = this.#text(key, keyStart);
    let end = keyStart + keyBytes;
    if (value !== null) {
      this.#bytes.set(value, end);
      end += value.length;
    }
    this.#view.setFloat64(body, offset, true);
    this.#view.setFloat64(body + 8, timestamp, true);
    this.#view.setUint32(body + 16, value === null ? keyBytes | NULL_VALUE : keyBytes, true);
    this.#view.setUint32(start, end - body, true);
    this.#view.setUint32(start + 4, crc32(this.#bytes.subarray(body, end)), true);
    this.#end = end;
    return start;
  }

  /** The frames written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Keys are short and mostly ASCII, for which the encoder's call costs more than its work. */
  #text(text: string, at: number): number {
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return encoder.encodeInto(text, this.#bytes.subarray(at)).written;
      this.#bytes[at + i] = unit;
    }
    return length;
  }
}

/** What a buffer holds at an offset: a frame, the beginning of one, or neither. */
export type FrameState = "whole" | "cut" | "bad";

/** Reads frames from a buffer. Values are views on it, so it must not be overwritten. */
export class FrameReader {
  readonly #view: DataView;
  /** The last record that {@linkcode read} returned. */
  record!: LogRecord;
  /** The end of the frame that {@linkcode read} or {@linkcode skip} found. */
  end = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that the frame at `start` needs, as far as the buffer shows. */
  size(start: number): number {
    if (this.bytes.length - start < FRAME_HEAD) return FRAME_HEAD;
    return FRAME_HEAD + this.#view.getUint32(start, true);
  }

  /** Finds the end of the frame at `start` and its offset, checking nothing else. */
  skip(start: number): number {
    this.end = start + this.size(start);
    return this.#view.getFloat64(start + FRAME_HEAD, true);
  }

  /** Reads and checks the frame at `start`. */
  read(start: number): FrameState {
    const { bytes } = this;
    const end = start + this.size(start);
    if (end > bytes.length) return "cut";
    const body = start + FRAME_HEAD;
    if (end - body < FIXED) return "bad";
    if (crc32(bytes.subarray(body, end)) !== this.#view.getUint32(start + 4, true)) return "bad";
    const flagged = this.#view.getUint32(body + 16, true);
    const keyStart = body + FIXED;
    const keyEnd = keyStart + (flagged & ~NULL_VALUE);
    if (keyEnd > end) return "bad";
    this.record = {
      offset: this.#view.getFloat64(body, true),
      key: this.#key(keyStart, keyEnd),
      value: flagged >= NULL_VALUE ? null : bytes.subarray(keyEnd, end),
      timestamp: this.#view.getFloat64(body + 8, true),
    };
    this.end = end;
    return "whole";
  }

  #key(start: number, end: number): string {
    let key = "";
    if (end - start > 24) return decoder.decode(this.bytes.subarray(start, end));
    for (let i = start; i < end; i++) {
      const unit = this.bytes[i]!;
      if (unit > 127) return decoder.decode(this.bytes.subarray(start, end));
      key += String.fromCharCode(unit);
    }
    return key;
  }
}

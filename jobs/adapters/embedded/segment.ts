/**
 * A segment file: the records of a partition from one offset on. Its name is that offset, so that a
 * folder's listing locates each record.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { FRAME_HEAD, FrameReader } from "./frame.ts";

/** Distance in bytes between entries of the index. */
const INDEX_BYTES = 1 << 16;

const SCAN_BYTES = 1 << 20;

/** One segment of a partition. */
export class Segment {
  /** Readable bytes. */
  bytes = 0;
  /** Entries of the index: offsets, and the positions of their frames. */
  readonly #offsets: number[] = [];
  readonly #places: number[] = [];
  #indexed = 0;

  constructor(readonly folder: string, readonly base: number) {}

  get path(): string {
    return `${this.folder}/${String(this.base).padStart(20, "0")}.log`;
  }

  /** Adds a frame's position to the index, unless there is an entry nearby. */
  note(offset: number, place: number): void {
    if (place < this.#indexed) return;
    this.#offsets.push(offset);
    this.#places.push(place);
    this.#indexed = place + INDEX_BYTES;
  }

  /** An entry at or before the frame of an offset. */
  near(offset: number): { offset: number; place: number } {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0
      ? { offset: this.base, place: 0 }
      : { offset: this.#offsets[low - 1]!, place: this.#places[low - 1]! };
  }
}

/** Result of a scan. */
export interface Scan {
  /** The offset after the last whole record. */
  readonly end: number;
  /** The end of the last whole record. */
  readonly bytes: number;
  /** Timestamp of the last whole record. */
  readonly timestamp: number;
  /** Whether other bytes than a whole record follow. */
  readonly torn: boolean;
}

/**
 * Reads the records of a segment from a position on and checks each. A tail that a process left
 * when it was killed in mid-write (a truncated record, or zeros after a power cut) was never
 * acknowledged and counts as torn.
 *
 * @throws {PipelineError} `corrupt` if a record is damaged.
 */
export function scanSegment(segment: Segment, from: { offset: number; place: number }): Scan {
  using file = Deno.openSync(segment.path, { read: true });
  const { size } = file.statSync();
  let { offset, place } = from;
  let timestamp = 0;
  let want = SCAN_BYTES;
  while (place < size) {
    const buffer = readAt(file, place, Math.min(want, size - place));
    const reader = new FrameReader(buffer);
    let at = 0;
    let state = reader.read(at);
    for (; state === "whole" && reader.record.offset === offset; state = reader.read(at)) {
      segment.note(offset, place + at);
      at = reader.end;
      offset++;
      timestamp = reader.record.timestamp;
    }
    place += at;
    const atEnd = place + reader.size(at) > size;
    if (state === "cut" && !atEnd) {
      want = Math.max(SCAN_BYTES, reader.size(at));
      continue;
    }
    if (place === size) break;
    const tail = readAt(file, place, size - place);
    const torn = state === "cut" ? !recordFollows(tail, offset) : tail.every((byte) => byte === 0);
    if (!torn) throw damaged(segment, offset, place);
    return { end: offset, bytes: place, timestamp, torn: true };
  }
  return { end: offset, bytes: place, timestamp, torn: false };
}

/** The error for a damaged record. */
export function damaged(segment: Segment, offset: number, place: number): PipelineError {
  return new PipelineError(
    "corrupt",
    `Offset ${offset} is damaged: ${segment.path} from byte ${place} on`,
  );
}

/** Reads bytes at a position; fewer at the end of the file. */
export function readAt(
  file: Deno.FsFile,
  place: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(length);
  file.seekSync(place, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const read = file.readSync(buffer.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}

/**
 * Whether the record after the one at `offset` is whole in a tail. Then the tail is not torn: the
 * bytes before it, including their length, were damaged after they were written.
 */
function recordFollows(tail: Uint8Array, offset: number): boolean {
  const wanted = new Uint8Array(new Float64Array([offset + 1]).buffer);
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  const reader = new FrameReader(tail);
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    if (at >= FRAME_HEAD && reader.read(at - FRAME_HEAD) === "whole") return true;
  }
  return false;
}

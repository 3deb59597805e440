/**
 * Reads a partition of the embedded log forward, batch by batch.
 *
 * @module
 */

import type { LogBatch, LogRecord } from "@pipeline/core";
import { outOfRange, type PartitionReader } from "../contract/groups.ts";
import { FrameReader } from "./frame.ts";
import { Breather, fileError } from "./io.ts";
import type { Partition } from "./partition.ts";
import { damaged, type Segment } from "./segment.ts";

/** Bytes of one read, and so roughly the limit of a batch. */
const READ_BYTES = 2 << 20;

/** Reads up to this size come from the page cache, as they were written just now. */
const SMALL_BYTES = 1 << 16;

/** A reader with a position of its own. */
export class EmbeddedReader implements PartitionReader {
  readonly #breather = new Breather();
  #segment: Segment | undefined;
  #file: Deno.FsFile | undefined;
  /** The expected offset of the next frame, and its position in the file. */
  #offset = -1;
  #place = 0;
  /** The current position of the file handle. */
  #position = 0;
  /** Bytes of the file from `#place` on that were read but not yet handed out. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes that the next frame is known to need. */
  #need = 0;

  constructor(readonly topic: string, readonly partition: Partition) {}

  async next(from: number, maxRecords: number, to = Infinity): Promise<LogBatch> {
    await this.#breather.breathe();
    const { range } = this.partition;
    if (from < range.earliest) throw outOfRange(this.topic, range, from, range.earliest);
    const records: LogRecord[] = [];
    const last = Math.min(from + maxRecords, range.end, to);
    try {
      this.#seek(from);
      while (records.length === 0) {
        await this.#fill();
        this.#take(from, last, records);
      }
    } catch (error) {
      this.close();
      throw fileError(error, `Cannot read ${this.partition.name} at offset ${from}`);
    }
    return {
      topic: this.topic,
      partition: this.partition.number,
      startOffset: from,
      nextOffset: this.#offset,
      records,
    };
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#segment = undefined;
  }

  /** Moves to the segment that holds an offset, unless reading continues there. */
  #seek(offset: number): void {
    const { segment, next } = this.partition.segmentOf(offset);
    if (this.#segment === segment && this.#offset === offset) return;
    const near = segment.near(offset);
    const ahead = this.#segment === segment && this.#offset < offset && near.offset <= this.#offset;
    if (ahead) return;
    if (this.#segment !== segment) {
      this.close();
      this.#file = Deno.openSync(segment.path, { read: true });
      if (next !== undefined) segment.bytes = this.#file.statSync().size;
      this.#segment = segment;
    }
    this.#offset = near.offset;
    this.#place = this.#position = near.place;
    this.#file!.seekSync(near.place, Deno.SeekMode.Start);
    this.#rest = new Uint8Array(0);
    this.#need = 0;
  }

  /** Reads more bytes, unless a whole frame may be buffered. */
  async #fill(): Promise<void> {
    if (this.#rest.length > 0 && this.#rest.length >= this.#need) return;
    const left = this.#segment!.bytes - this.#position;
    const want = Math.min(left, Math.max(READ_BYTES, this.#need - this.#rest.length));
    if (want <= 0) throw damaged(this.#segment!, this.#offset, this.#place);
    const buffer = new Uint8Array(this.#rest.length + want);
    buffer.set(this.#rest);
    let filled = this.#rest.length;
    while (filled < buffer.length) {
      const free = buffer.subarray(filled);
      const read = want <= SMALL_BYTES ? this.#file!.readSync(free) : await this.#file!.read(free);
      if (read === null) throw damaged(this.#segment!, this.#offset, this.#place);
      filled += read;
      this.#position += read;
    }
    this.#rest = buffer;
  }

  /** Takes the buffered records of `[from, last)`. */
  #take(from: number, last: number, records: LogRecord[]): void {
    const reader = new FrameReader(this.#rest);
    let at = 0;
    this.#need = 0;
    while (this.#offset < last && at < this.#rest.length) {
      const state = reader.read(at);
      if (state === "cut") {
        this.#need = reader.size(at);
        break;
      }
      if (state === "bad" || reader.record.offset !== this.#offset) {
        throw damaged(this.#segment!, this.#offset, this.#place + at);
      }
      if (this.#offset >= from) records.push(reader.record);
      this.#segment!.note(this.#offset, this.#place + at);
      this.#offset++;
      at = reader.end;
    }
    this.#rest = this.#rest.subarray(at);
    this.#place += at;
  }
}

/** Reads `[from, to)`, which must lie within the range. */
export async function* readRange(
  topic: string,
  partition: Partition,
  from: number,
  to: number,
  maxRecords: number,
): AsyncGenerator<LogBatch> {
  const reader = new EmbeddedReader(topic, partition);
  try {
    for (let position = from; position < to;) {
      const batch = await reader.next(position, maxRecords, to);
      position = batch.nextOffset;
      yield batch;
    }
  } finally {
    reader.close();
  }
}

/**
 * One partition of the embedded log: a folder of segment files, of which the
 * last one grows.
 *
 * @module
 */

import { type LogRange, type LogRecord, PipelineError } from "@pipeline/core";
import { type Durability, fileError } from "./io.ts";
import { frameBound, FrameWriter } from "./frame.ts";
import { scanSegment, Segment } from "./segment.ts";

/** Most bytes of one write, except for a single larger record. */
const WRITE_BYTES = 4 << 20;

/** Options of partitions. */
export interface PartitionOptions {
  /** Size at which the next segment starts. */
  readonly segmentBytes: number;
  readonly durability: Durability;
  readonly clock: () => number;
  /** Another process may write: {@linkcode Partition.refresh} reads its changes. */
  readonly readOnly: boolean;
}

/** A record to be appended. */
export type NewRecord = Pick<LogRecord, "key" | "value">;

/** A partition. */
export class Partition {
  /** Segments by ascending base; the last one grows. */
  readonly segments: Segment[] = [];
  readonly listeners: Set<() => void> = new Set();
  #earliest = 0;
  /** The offset after the last record written. */
  #written = 0;
  /** The offset after the last record that may be read. */
  #end = 0;
  #timestamp = 0;
  #file: Deno.FsFile | undefined;
  #broken: Error | undefined;
  #syncing: Promise<void> | undefined;

  constructor(
    readonly name: string,
    readonly folder: string,
    readonly number: number,
    readonly options: PartitionOptions,
  ) {
    if (!options.readOnly) Deno.mkdirSync(folder, { recursive: true });
    this.#load();
    if (!options.readOnly) this.#openLast();
  }

  get range(): LogRange {
    return { partition: this.number, earliest: this.#earliest, end: this.#end };
  }

  /** Reads what another process has appended or deleted since. */
  refresh(): void {
    if (this.options.readOnly) this.#load();
  }

  /** The segment that holds an offset of the range, and the next one. */
  segmentOf(offset: number): { segment: Segment; next: Segment | undefined } {
    let index = this.segments.length - 1;
    while (index > 0 && this.segments[index]!.base > offset) index--;
    return { segment: this.segments[index]!, next: this.segments[index + 1] };
  }

  /**
   * Appends records; resolves with the first one's offset once they are as durable as requested.
   * Order is that of the calls, since nothing runs between two of them.
   */
  async append(records: readonly NewRecord[]): Promise<number> {
    if (this.#broken !== undefined) throw this.#broken;
    const first = this.#written;
    try {
      for (let from = 0; from < records.length;) from = this.#write(records, from);
    } finally {
      if (!this.#flushes) this.#publish(this.#written);
    }
    if (this.#flushes) await this.#sync(first + records.length);
    return first;
  }

  /** Deletes the records before `earliest`, whole segments at a time. */
  truncate(earliest: number): void {
    if (earliest < this.#earliest || earliest > this.#end) {
      throw new PipelineError("invalid", `Cannot truncate ${this.name} at ${earliest}`);
    }
    this.#earliest = earliest;
    const path = `${this.folder}/earliest`;
    Deno.writeTextFileSync(`${path}.tmp`, `${earliest}\n`);
    Deno.renameSync(`${path}.tmp`, path);
    while (this.segments.length > 1 && this.segments[1]!.base <= earliest) {
      Deno.removeSync(this.segments.shift()!.path);
    }
    this.#notify();
  }

  close(): void {
    this.#broken ??= new PipelineError("stopped", `Partition ${this.name} is closed`);
    this.#file?.close();
    this.#file = undefined;
  }

  /** Writes records from `from` on, as many as one write may hold; returns the next one. */
  #write(records: readonly NewRecord[], from: number): number {
    this.#timestamp = Math.max(this.#timestamp, this.options.clock());
    const segment = this.#roomySegment();
    let to = from;
    let bound = 0;
    while (to < records.length) {
      const size = frameBound(records[to]!.key, records[to]!.value);
      if (to > from && bound + size > WRITE_BYTES) break;
      bound += size;
      to++;
    }
    const frames = new FrameWriter(bound);
    const places: number[] = [];
    for (let i = from; i < to; i++) {
      const { key, value } = records[i]!;
      places.push(frames.add(this.#written + i - from, this.#timestamp, key, value));
    }
    this.#put(segment, frames.bytes());
    for (const [i, place] of places.entries()) {
      segment.note(this.#written + i, segment.bytes + place);
    }
    segment.bytes += frames.bytes().length;
    this.#written += to - from;
    return to;
  }

  /** Writes bytes to the end of the last segment, or leaves it unchanged. */
  #put(segment: Segment, bytes: Uint8Array): void {
    const file = this.#file!;
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    } catch (error) {
      try {
        file.truncateSync(segment.bytes);
        file.seekSync(segment.bytes, Deno.SeekMode.Start);
      } catch (cause) {
        this.#broken = new PipelineError(
          "unavailable",
          `Partition ${this.name} cannot be written to any more; open the log again`,
          { cause },
        );
      }
      throw fileError(error, `Cannot append to ${this.name}`);
    }
  }

  get #flushes(): boolean {
    return this.options.durability === "machine";
  }

  #roomySegment(): Segment {
    const last = this.segments.at(-1)!;
    if (last.bytes < this.options.segmentBytes) return last;
    if (this.#flushes) this.#file?.syncDataSync();
    this.#file?.close();
    const segment = new Segment(this.folder, this.#written);
    this.segments.push(segment);
    this.#openLast();
    return segment;
  }

  /** Waits until everything written up to `end` is on disk; calls share the flushes. */
  async #sync(end: number): Promise<void> {
    while (this.#end < end) {
      if (this.#syncing === undefined) {
        const written = this.#written;
        this.#syncing = this.#file!.syncData().then(() => this.#publish(written))
          .finally(() => this.#syncing = undefined);
      }
      try {
        await this.#syncing;
      } catch (error) {
        // After a failed flush it is unknown which pages are on disk.
        this.#broken ??= fileError(error, `Cannot flush ${this.name}`);
        throw this.#broken;
      }
    }
  }

  #publish(end: number): void {
    if (end <= this.#end) return;
    this.#end = end;
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  /** Finds the segments, and resumes reading at the last known position. */
  #load(): void {
    const known = new Map(this.segments.map((segment) => [segment.base, segment]));
    const bases = [...Deno.readDirSync(this.folder)].map((entry) => entry.name)
      .filter((name) => name.endsWith(".log")).map((name) => Number(name.slice(0, -4)))
      .sort((a, b) => a - b);
    const sealed = this.segments.at(-1);
    this.segments.length = 0;
    for (const base of bases) this.segments.push(known.get(base) ?? new Segment(this.folder, base));
    if (bases.length === 0) this.segments.push(new Segment(this.folder, this.#readEarliest()));
    for (const segment of this.segments.slice(0, -1)) {
      if (segment.bytes === 0 || segment === sealed) {
        segment.bytes = Deno.statSync(segment.path).size;
      }
    }
    const last = this.segments.at(-1)!;
    this.#earliest = Math.max(this.#readEarliest(), this.segments[0]!.base);
    if (bases.length > 0) this.#scan(last, sealed === last);
    else this.#written = this.#end = last.base;
  }

  #scan(last: Segment, goOn: boolean): void {
    const from = goOn ? { offset: this.#end, place: last.bytes } : { offset: last.base, place: 0 };
    const scan = scanSegment(last, from);
    last.bytes = scan.bytes;
    this.#written = this.#end = scan.end;
    this.#timestamp = Math.max(this.#timestamp, scan.timestamp);
    // A crash just after the segment's creation left it empty.
    const before = scan.end === last.base ? this.segments.at(-2) : undefined;
    if (before === undefined || this.#timestamp > 0) return;
    this.#timestamp = scanSegment(before, { offset: before.base, place: 0 }).timestamp;
  }

  /** Opens the last segment for appending, and truncates its torn tail. */
  #openLast(): void {
    const last = this.segments.at(-1)!;
    this.#file = Deno.openSync(last.path, { write: true, create: true });
    this.#file.truncateSync(last.bytes);
    this.#file.seekSync(last.bytes, Deno.SeekMode.Start);
    if (!this.#flushes) return;
    using folder = Deno.openSync(this.folder, { read: true });
    folder.syncSync();
  }

  #readEarliest(): number {
    try {
      return Number(Deno.readTextFileSync(`${this.folder}/earliest`));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }
}

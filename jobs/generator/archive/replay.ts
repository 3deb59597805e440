/**
 * Archive files played onto the log as if they happened now, N times as fast. The
 * records keep their own times; only the moments of sending follow from them.
 *
 * @module
 */

import type { Entity, EventLog } from "@pipeline/core";
import { type Clock, systemClock } from "@pipeline/runtime";
import { type DeliveredBatch, Delivery, type DeliveryCounts } from "../delivery.ts";
import { Order } from "../disorder.ts";
import type { Ledger } from "@pipeline/protocol";
import { type FactSource, pace, steadyTime } from "../pace.ts";
import { type Line, readLines } from "./lines.ts";
import { readLine, type RejectedLine } from "./load.ts";
import { kindByName, readArchiveLine, type Repair } from "./mapping.ts";
import { openArchive } from "./open.ts";

/** What to replay. */
export interface ReplayOptions {
  /** Archive files, each in the order of time, more or less; merged by time. */
  readonly files: readonly string[];
  /** Archive time by real time: 3600 plays an hour a second; `Infinity` as fast as the log takes it. */
  readonly speed: number;
}

/** How to replay. */
export interface ReplayRun {
  /** Takes every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Called for every acknowledged batch, for latencies. Keep it cheap. */
  readonly onDelivered?: (batch: DeliveredBatch) => void;
  /** Called for every line that cannot be used. */
  readonly onRejected?: (rejected: RejectedLine & { readonly file: string }) => void;
  /** Called for every file without lines. */
  readonly onEmpty?: (file: string) => void;
  /** Ends the replay: what was taken is still delivered where the log answers. */
  readonly signal?: AbortSignal;
  /** The machine's clock where not given. */
  readonly clock?: Clock;
  /** Most records in a batch; 5,000 where not given. */
  readonly maxBatch?: number;
  /** Batches under way at the same time; 8 where not given. */
  readonly maxInFlight?: number;
}

/** Where a replay stands. */
export interface ReplayStatus extends Readonly<DeliveryCounts> {
  /** Records taken from the files. */
  readonly produced: number;
  /** Lines that could not be used. */
  readonly rejected: number;
  /** Repairs by kind; see `readArchiveLine`. */
  readonly repaired: Readonly<Record<string, number>>;
  /** Event time reached, milliseconds since 1970; -1 before the first record. */
  readonly position: number;
}

/** One file, read ahead by one record. */
class ArchiveReader {
  head: Entity | undefined;
  readonly #path: string;
  readonly #read: (line: Line) => Entity | undefined;
  readonly #onEmpty: (path: string) => void;
  readonly #groups: AsyncGenerator<readonly Line[], void, undefined>;
  #group: readonly Line[] = [];
  #at = 0;

  constructor(path: string, { read, onEmpty }: {
    readonly read: (line: Line, path: string) => Entity | undefined;
    readonly onEmpty: (path: string) => void;
  }) {
    this.#path = path;
    this.#read = (line) => read(line, this.#path);
    this.#onEmpty = onEmpty;
    this.#groups = readLines(openArchive(path));
  }

  /** Moves to the next record, if there is one in what has been read. */
  advance(): boolean {
    this.head = undefined;
    while (this.head === undefined && this.#at < this.#group.length) {
      this.head = this.#read(this.#group[this.#at++]!);
    }
    return this.head !== undefined;
  }

  /** Moves to the next record, or to the end. */
  async read(): Promise<void> {
    while (!this.advance()) {
      const next = await this.#groups.next();
      if (next.done === true) {
        if (this.#group.length === 0) this.#onEmpty(this.#path);
        return;
      }
      this.#group = next.value;
      this.#at = 0;
    }
  }

  async close(): Promise<void> {
    await this.#groups.return();
  }
}

/** The files' records, merged by time, each due when its time comes at the speed asked for. */
class ArchiveSource implements FactSource {
  produced = 0;
  position = -1;
  #first = -1;
  #due = 0;
  #next: ArchiveReader | undefined;
  #started = false;

  constructor(
    readonly readers: readonly ArchiveReader[],
    readonly speed: number,
    readonly start: number,
  ) {}

  peek(): number | undefined | Promise<number | undefined> {
    if (!this.#started) return this.#open();
    if (this.#next !== undefined && this.#next.head === undefined && !this.#next.advance()) {
      return this.#next.read().then(() => this.#choose());
    }
    return this.#choose();
  }

  take() {
    const record = this.#next!.head!;
    this.#next!.head = undefined;
    this.produced++;
    this.position = record.timestamp;
    return { record, scheduled: this.#due };
  }

  behind(now: number): number {
    return this.#next?.head !== undefined && this.#due <= now ? 1 : 0;
  }

  async #open(): Promise<number | undefined> {
    for (const reader of this.readers) await reader.read();
    this.#started = true;
    return this.#choose();
  }

  #choose(): number | undefined {
    this.#next = undefined;
    for (const reader of this.readers) {
      if (reader.head === undefined) continue;
      if (this.#next === undefined || reader.head.timestamp < this.#next.head!.timestamp) {
        this.#next = reader;
      }
    }
    if (this.#next === undefined) return undefined;
    const { timestamp } = this.#next.head!;
    if (this.#first < 0) this.#first = timestamp;
    // Dumps are not quite in order: what comes too late is due at once.
    this.#due = Math.max(this.#due, this.start + (timestamp - this.#first) / this.speed);
    return this.#due;
  }
}

/** A run that replays archives. */
export class ArchiveReplay {
  readonly #source: ArchiveSource;
  readonly #delivery: Delivery;
  readonly #run: ReplayRun;
  readonly #now: () => number;
  readonly #repairs = new Map<Repair, number>();
  #rejected = 0;

  /** The replay's time starts now. */
  constructor(log: EventLog, options: ReplayOptions, run: ReplayRun = {}) {
    this.#run = run;
    this.#now = steadyTime(run.clock ?? systemClock);
    const readers = options.files.map((path) =>
      new ArchiveReader(path, {
        read: (line, file) => this.#read(line, file),
        onEmpty: (file) => run.onEmpty?.(file),
      })
    );
    this.#source = new ArchiveSource(readers, options.speed, this.#now());
    this.#delivery = new Delivery(log, run);
  }

  /** Replays until the files end or the signal is aborted; then all is acknowledged. */
  async run(): Promise<ReplayStatus> {
    try {
      await pace(new Order(this.#source), this.#delivery, { ...this.#run, now: this.#now });
    } finally {
      for (const reader of this.#source.readers) await reader.close();
      await this.#delivery.close();
    }
    return this.status();
  }

  /** Milliseconds that the oldest batch under way has been waiting for its acknowledgement. */
  get waiting(): number {
    return this.#delivery.waiting;
  }

  /** Where the replay stands. */
  status(): ReplayStatus {
    return {
      ...this.#delivery.counts,
      produced: this.#source.produced,
      rejected: this.#rejected,
      repaired: Object.fromEntries(this.#repairs),
      position: this.#source.position,
    };
  }

  #read(line: Line, file: string): Entity | undefined {
    const onRepair = (repair: Repair) =>
      void this.#repairs.set(repair, (this.#repairs.get(repair) ?? 0) + 1);
    const record = readLine(line, (text) => readArchiveLine(text, onRepair, kindByName(file)));
    if (!("reason" in record)) return record;
    this.#rejected++;
    this.#run.onRejected?.({ ...record, file });
    return undefined;
  }
}

/**
 * Replays archive files onto the log as if they happened now, N times as fast. The records keep
 * their own times; these only determine when they are sent.
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
  /** Archive files, each roughly in the order of time; merged by time. */
  readonly files: readonly string[];
  /**
   * Archive time per real time: 3600 plays an hour a second; `Infinity` is as fast as the log
   * accepts.
   */
  readonly speed: number;
}

/** Options of a replay. */
export interface ReplayRun {
  /** Receives every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Called for every acknowledged batch, for latencies. It must be cheap. */
  readonly onDelivered?: (batch: DeliveredBatch) => void;
  /** Called for every rejected line. */
  readonly onRejected?: (rejected: RejectedLine & { readonly file: string }) => void;
  /** Called for every file without lines. */
  readonly onEmpty?: (file: string) => void;
  /** Ends the replay: records already taken are still delivered if the log answers. */
  readonly signal?: AbortSignal;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Most records in a batch; 5,000 by default. */
  readonly maxBatch?: number;
  /** Most concurrent batches; 8 by default. */
  readonly maxInFlight?: number;
}

/** Progress of a replay. */
export interface ReplayStatus extends Readonly<DeliveryCounts> {
  /** Records taken from the files. */
  readonly produced: number;
  /** Number of rejected lines. */
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

  /** Moves to the next record, if one is already read. */
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

/** The files' records, merged by time, each due at its time at the requested speed. */
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
    // Dumps are not quite in order: a late record is due at once.
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

  /** Starts the replay's time. */
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

  /** Replays until the files end or the signal is aborted; then everything is acknowledged. */
  async run(): Promise<ReplayStatus> {
    try {
      await pace(new Order(this.#source), this.#delivery, { ...this.#run, now: this.#now });
    } finally {
      for (const reader of this.#source.readers) await reader.close();
      await this.#delivery.close();
    }
    return this.status();
  }

  /** Milliseconds that the oldest pending batch has waited for its acknowledgement. */
  get waiting(): number {
    return this.#delivery.waiting;
  }

  /** Progress of the replay. */
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

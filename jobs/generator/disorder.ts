/**
 * Disorder on request: the effects of networks, clocks and foreign code on a stream, with a
 * manifest of every affected record, so that a test can compare it with the pipeline's output.
 *
 * @module
 */

import { type Entity, idOf, isAnnouncement, keyOf, recordBytes, topicOf } from "@pipeline/core";
import { type DeliveredBatch, hashOf, type PlannedRecord } from "./delivery.ts";
import { DueHeap } from "./due_heap.ts";
import type { Appender } from "@pipeline/protocol";
import { Random } from "./model/random.ts";
import type { FactSource, PlannedSource } from "./pace.ts";
import { poisonRecord, POISONS } from "./poison.ts";

/**
 * Shares in percent of the records (each record has at most one kind of disorder), times in
 * milliseconds.
 */
export interface DisorderOptions {
  /** Sent up to `lateBy` after they are due, with unchanged event time. */
  readonly late?: number;
  /** Longest delay; a minute by default. */
  readonly lateBy?: number;
  /** Sent twice, with the same bytes, up to `duplicateBy` later. */
  readonly duplicates?: number;
  /** Longest delay of the second copy; ten seconds by default. */
  readonly duplicateBy?: number;
  /** Unusable records sent in addition, cycling through all {@linkcode POISONS}. */
  readonly poison?: number;
  /** Announcements whose times are off by up to `skewBy` either way. */
  readonly skew?: number;
  /** An hour by default; above 12 hours the pipeline may reject records that are ahead. */
  readonly skewBy?: number;
  /** Records dated `futureBy` ahead, sent in addition. */
  readonly future?: number;
  /** Seven days by default: more than the pipeline accepts. */
  readonly futureBy?: number;
}

/** The disorder injected into a record. */
export interface Injection {
  /** Late, sent twice, unusable, of a wrong clock, or from the far future. */
  readonly kind: "late" | "duplicate" | "poison" | "skew" | "future";
  /** Kind of poison. */
  readonly detail?: string;
  /** Milliseconds of delay or of difference in time. */
  readonly by?: number;
  /** Whether it must become a dead letter. */
  readonly dead_letter: boolean;
}

/** A line of the manifest: an affected record and its position in the log. */
export interface InjectedRecord extends Injection {
  /** Topic of the record. */
  readonly topic: string;
  /** Partition of the record. */
  readonly partition: number;
  /** Offset of the record. */
  readonly offset: number;
  /** The record's own id. */
  readonly id: string;
  /** `hashBytes` of the value; empty for a tombstone. */
  readonly hash: string;
}

/** A plan that sends all records in order and on time. */
export class Order implements PlannedSource {
  constructor(readonly source: FactSource) {}

  peek(): number | undefined | Promise<number | undefined> {
    return this.source.peek();
  }

  take(): PlannedRecord {
    const { record, scheduled } = this.source.take();
    return plan(record, scheduled);
  }

  behind(now: number): number {
    return this.source.behind(now);
  }
}

/** A plan of records with disorder; see {@linkcode DisorderOptions}. */
export class Disorder implements PlannedSource {
  readonly #source: FactSource;
  readonly #options: Required<DisorderOptions>;
  readonly #random: Random;
  readonly #held = new DueHeap<PlannedRecord>();
  #poisons = 0;
  #futures = 0;
  #sourceNext: number | undefined;

  /** Equal seeds disturb equal streams equally. */
  constructor(source: FactSource, seed: number, options: DisorderOptions) {
    this.#source = source;
    this.#options = {
      late: 0,
      lateBy: 60_000,
      duplicates: 0,
      duplicateBy: 10_000,
      poison: 0,
      skew: 0,
      skewBy: 3_600_000,
      future: 0,
      futureBy: 7 * 86_400_000,
      ...options,
    };
    this.#random = new Random(seed, "disorder");
  }

  /** When the next record is due, delayed or not. */
  async peek(): Promise<number | undefined> {
    this.#sourceNext = await this.#source.peek();
    const held = this.#held.due;
    if (this.#sourceNext === undefined) return held;
    return held === undefined ? this.#sourceNext : Math.min(held, this.#sourceNext);
  }

  /** Takes the next record; `undefined` if it was just delayed. */
  take(): PlannedRecord | undefined {
    const held = this.#held.due;
    if (held !== undefined && held <= (this.#sourceNext ?? Infinity)) return this.#held.take();
    const { record, scheduled } = this.#source.take();
    return this.#disturb(record, scheduled);
  }

  /** Records due at `now` and not taken, without delayed ones. */
  behind(now: number): number {
    return this.#source.behind(now);
  }

  #disturb(record: Entity, scheduled: number): PlannedRecord | undefined {
    const { late, lateBy, duplicates, duplicateBy, poison, skew, skewBy, future, futureBy } =
      this.#options;
    const planned = plan(record, scheduled);
    let draw = this.#random.float() * 100 - late;
    if (draw < 0) {
      const by = 1 + this.#random.below(lateBy);
      const injection: Injection = { kind: "late", by, dead_letter: false };
      // Its latency counts from its release: the injected delay is not the pipeline's fault.
      this.#hold({ ...planned, scheduled: scheduled + by, injection });
      return undefined;
    }
    if ((draw -= duplicates) < 0) {
      const by = 1 + this.#random.below(duplicateBy);
      const injection: Injection = { kind: "duplicate", by, dead_letter: false };
      this.#hold({ ...planned, scheduled: scheduled + by, injection });
    } else if ((draw -= poison) < 0) {
      const number = this.#poisons++;
      const detail = POISONS[number % POISONS.length]!;
      const injection: Injection = { kind: "poison", detail, dead_letter: true };
      const { id, value } = poisonRecord(record, detail, number);
      this.#hold({ ...planned, id, value, injection });
    } else if ((draw -= skew) < 0) {
      if (!isAnnouncement(record)) return planned;
      const by = this.#random.below(2 * skewBy + 1) - skewBy;
      const time = Math.max(0, record.timestamp + by);
      const injection: Injection = { kind: "skew", by, dead_letter: false };
      return {
        ...plan({ ...record, created_utc: time, timestamp: time }, scheduled),
        injection,
      };
    } else if ((draw -= future) < 0) {
      const time = scheduled + futureBy;
      const ahead = rename(record, `future_${this.#futures++}`);
      const injection: Injection = { kind: "future", by: futureBy, dead_letter: true };
      this.#hold({
        ...plan(
          { ...ahead, created_utc: Math.floor(time), timestamp: Math.floor(time) },
          scheduled,
        ),
        injection,
      });
    }
    return planned;
  }

  #hold(record: PlannedRecord): void {
    this.#held.add(record.scheduled, record);
  }
}

/** Counts of the acknowledged injections, and their manifest. */
export class Injections {
  /** Acknowledged records by kind. */
  readonly counts: Record<Injection["kind"], number> = {
    late: 0,
    duplicate: 0,
    poison: 0,
    skew: 0,
    future: 0,
  };
  readonly #manifest: Appender<InjectedRecord> | undefined;

  /**
   * Starts with all counts at 0.
   *
   * @param manifest receives a line for each record.
   */
  constructor(manifest?: Appender<InjectedRecord>) {
    this.#manifest = manifest;
  }

  /** Counts the affected records of a batch. */
  async note(batch: DeliveredBatch): Promise<void> {
    const lines: InjectedRecord[] = [];
    for (const [i, record] of batch.records.entries()) {
      if (record.injection === undefined) continue;
      this.counts[record.injection.kind]++;
      const { topic, partition, offset } = batch.acknowledgements[i]!;
      const hash = hashOf(record);
      lines.push({ ...record.injection, topic, partition, offset, id: record.id, hash });
    }
    if (lines.length > 0) await this.#manifest?.append(lines);
  }
}

function plan(record: Entity, scheduled: number): PlannedRecord {
  return {
    topic: topicOf(record),
    key: keyOf(record),
    value: recordBytes(record),
    id: idOf(record),
    scheduled,
  };
}

/** The record as another entity: its id with a suffix. */
function rename(record: Entity, suffix: string): Entity {
  switch (record.kind) {
    case "post":
      return { ...record, post_id: `${record.post_id}_${suffix}` };
    case "comment":
      return { ...record, comment_id: `${record.comment_id}_${suffix}` };
    case "user":
      return { ...record, user_id: `${record.user_id}_${suffix}` };
  }
}

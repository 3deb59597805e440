/**
 * Records on their way to the log: several batches under way at once, each until it
 * is acknowledged and written into the ledger. A log that stalls holds the sender
 * back; nothing is dropped.
 *
 * @module
 */

import {
  type Acknowledgement,
  type EventLog,
  hasCode,
  hashBytes,
  type LogProducer,
  type PipelineError,
  type Topic,
} from "@pipeline/core";
import { type Clock, type RetryOptions, systemClock } from "@pipeline/runtime";
import type { Injection } from "./disorder.ts";
import type { Ledger, LedgerLine } from "@pipeline/protocol";

/** A record with the time at which it is to be sent. */
export interface PlannedRecord {
  /** Where it goes. */
  readonly topic: Topic;
  /** The log's key; see core's `keyOf`. */
  readonly key: string;
  /** UTF-8 bytes of one JSON object; `null` for a tombstone. */
  readonly value: Uint8Array | null;
  /** The record's own id. */
  readonly id: string;
  /** When it was due, milliseconds since 1970: latencies count from here. */
  readonly scheduled: number;
  /** Set where it was put there, or changed, to disturb. */
  readonly injection?: Injection;
}

/** Records that the log has acknowledged together. Times in milliseconds since 1970. */
export interface DeliveredBatch {
  /** In the order in which they were sent. */
  readonly records: readonly PlannedRecord[];
  /** Of the same length and order. */
  readonly acknowledgements: readonly Acknowledgement[];
  /** When they were handed to the log, for the last time. */
  readonly sent: number;
  /** When the log answered. */
  readonly acknowledged: number;
}

/** Options of {@linkcode Delivery}. */
export interface DeliveryOptions {
  /** Batches under way at the same time; 8 where not given. */
  readonly maxInFlight?: number;
  /** Takes every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Called once a batch, after the ledger has it. What it throws ends the delivery. */
  readonly onDelivered?: (batch: DeliveredBatch) => void | Promise<void>;
  /** Ends waiting for a log that is not available. */
  readonly signal?: AbortSignal;
  /** Told what is tried again; how often and when is the delivery's own. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled">;
  /** The machine's clock where not given. */
  readonly clock?: Clock;
}

/** Numbers of records. */
export interface DeliveryCounts {
  /** In the log, and in the ledger where there is one. */
  acknowledged: number;
  /** Larger than the log takes: not in the log. */
  refused: number;
  /** Sent a second time after an unclear end: in the log once or twice. */
  ambiguous: number;
  /** Given up because of the stop signal: in the log at most once, not acknowledged. */
  abandoned: number;
}

const FIRST_WAIT = 100;
const LONGEST_WAIT = 10_000;

/** Sends batches; see the module. */
export class Delivery {
  /** What has become of the records sent so far. */
  readonly counts: DeliveryCounts = { acknowledged: 0, refused: 0, ambiguous: 0, abandoned: 0 };
  readonly #log: EventLog;
  readonly #options: DeliveryOptions;
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  /** Batches under way, in the order of their sending, and when that was. */
  readonly #inFlight = new Map<Promise<void>, number>();
  #producer: Promise<LogProducer>;
  #failure: { readonly error: unknown } | undefined;

  /** Asks the log for a producer at once. */
  constructor(log: EventLog, options: DeliveryOptions = {}) {
    this.#log = log;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#maxInFlight = options.maxInFlight ?? 8;
    this.#producer = log.producer();
    this.#producer.catch(() => {});
  }

  /** Starts to send a batch. Wait for {@linkcode Delivery.room} before. */
  send(records: readonly PlannedRecord[]): void {
    const work = this.#deliver(records)
      .catch((error) => void (this.#failure ??= { error }))
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.set(work, this.#clock.monotonic());
  }

  /** Milliseconds that the oldest batch under way has been waiting for its acknowledgement. */
  get waiting(): number {
    const [oldest] = this.#inFlight.values();
    return oldest === undefined ? 0 : this.#clock.monotonic() - oldest;
  }

  /** Waits until another batch may be sent. Rejects where one has failed for good. */
  async room(): Promise<void> {
    while (this.#inFlight.size >= this.#maxInFlight) await Promise.race(this.#inFlight.keys());
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits until everything is acknowledged, then lets go of the log. */
  async close(): Promise<void> {
    await Promise.all(this.#inFlight.keys());
    await this.#producer.then((producer) => producer.close()).catch(() => {});
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #deliver(records: readonly PlannedRecord[]): Promise<void> {
    const { retry } = this.#options;
    let attempt = 0;
    let succeeded = false;
    try {
      succeeded = await this.#tryUntilTold(records, (error, delay) => {
        retry?.onRetry?.({ attempt: ++attempt, delay, error });
      });
    } finally {
      if (attempt > 0) retry?.onSettled?.(attempt + 1, succeeded);
    }
  }

  /** Whether the records are in the log; false where they were given up. */
  async #tryUntilTold(
    records: readonly PlannedRecord[],
    onRetry: (error: PipelineError, delay: number) => void,
  ): Promise<boolean> {
    for (let attempt = 0;; attempt++) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt, 20));
      const used = this.#producer;
      const sent = this.#clock.now();
      let producer: LogProducer | undefined;
      try {
        producer = await used;
        const acknowledgements = await producer.send(records);
        await this.#delivered({
          records,
          acknowledgements,
          sent,
          acknowledged: this.#clock.now(),
        });
        return true;
      } catch (error) {
        if (hasCode(error, "too_large")) {
          await this.#divide(records);
          return true;
        }
        if (hasCode(error, "stopped") && this.#options.signal?.aborted === true) {
          this.counts.abandoned += records.length;
          return false;
        }
        if (!hasCode(error, "unavailable") && !hasCode(error, "full")) throw error;
        // Sending what has no answer anew may leave two copies: the ledger says which.
        if (producer !== undefined && hasCode(error, "unavailable")) await this.#doubt(records);
        if (hasCode(error, "unavailable")) this.#replace(used);
        onRetry(error, wait);
      }
      try {
        await this.#clock.sleep(wait, this.#options.signal);
      } catch (error) {
        if (!hasCode(error, "stopped")) throw error;
        this.counts.abandoned += records.length;
        return false;
      }
    }
  }

  async #delivered(batch: DeliveredBatch): Promise<void> {
    const { ledger, onDelivered } = this.#options;
    if (ledger !== undefined) {
      await ledger.append(batch.records.map((record, i): LedgerLine => ({
        ...batch.acknowledgements[i]!,
        id: record.id,
        hash: hashOf(record),
        ...(record.injection?.dead_letter === true ? { dead_letter: true } : {}),
      })));
    }
    this.counts.acknowledged += batch.records.length;
    await onDelivered?.(batch);
  }

  /** One record of many is too large: the others must not suffer. */
  async #divide(records: readonly PlannedRecord[]): Promise<void> {
    if (records.length === 1) {
      this.counts.refused++;
      return;
    }
    const middle = records.length >> 1;
    await this.#deliver(records.slice(0, middle));
    await this.#deliver(records.slice(middle));
  }

  async #doubt(records: readonly PlannedRecord[]): Promise<void> {
    this.counts.ambiguous += records.length;
    await this.#options.ledger?.append(records.map((record): LedgerLine => ({
      ambiguous: true,
      topic: record.topic,
      id: record.id,
      hash: hashOf(record),
    })));
  }

  #replace(used: Promise<LogProducer>): void {
    if (used !== this.#producer) return;
    used.then((producer) => producer.close()).catch(() => {});
    this.#producer = this.#log.producer();
    this.#producer.catch(() => {});
  }
}

/** Hash of a record's value, as ledger and manifest name it. */
export function hashOf(record: PlannedRecord): string {
  return record.value === null ? "" : hashBytes(record.value);
}

/**
 * Delivers records to the log: several concurrent batches, each until it is acknowledged and
 * written into the ledger. A stalled log holds the sender back; nothing is dropped.
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

/** A record with the time at which it is due. */
export interface PlannedRecord {
  /** Destination of the record. */
  readonly topic: Topic;
  /** The log's key; see core's `keyOf`. */
  readonly key: string;
  /** UTF-8 bytes of one JSON object; `null` for a tombstone. */
  readonly value: Uint8Array | null;
  /** The record's own id. */
  readonly id: string;
  /** When it is due, milliseconds since 1970: latencies are measured from here. */
  readonly scheduled: number;
  /** Set if the record was added or changed as disorder. */
  readonly injection?: Injection;
}

/** Records that the log acknowledged together. Times in milliseconds since 1970. */
export interface DeliveredBatch {
  /** In the order of sending. */
  readonly records: readonly PlannedRecord[];
  /** Of the same length and order. */
  readonly acknowledgements: readonly Acknowledgement[];
  /** When they were last handed to the log. */
  readonly sent: number;
  /** When the log answered. */
  readonly acknowledged: number;
}

/** Options of {@linkcode Delivery}. */
export interface DeliveryOptions {
  /** Most concurrent batches; 8 by default. */
  readonly maxInFlight?: number;
  /** Receives every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Called once per batch, after the ledger has it. An error that it throws ends the delivery. */
  readonly onDelivered?: (batch: DeliveredBatch) => void | Promise<void>;
  /** Ends the wait for an unavailable log. */
  readonly signal?: AbortSignal;
  /** Called for retries, whose timing is the delivery's own. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled">;
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/** Numbers of records. */
export interface DeliveryCounts {
  /** In the log, and in the ledger if there is one. */
  acknowledged: number;
  /** Larger than the log accepts: not in the log. */
  refused: number;
  /** Resent after an unclear end: in the log once or twice. */
  ambiguous: number;
  /** Abandoned because of the stop signal: in the log at most once, not acknowledged. */
  abandoned: number;
}

const FIRST_WAIT = 100;
const LONGEST_WAIT = 10_000;

/** Sends batches; see the module. */
export class Delivery {
  /** Outcomes of the records sent so far. */
  readonly counts: DeliveryCounts = { acknowledged: 0, refused: 0, ambiguous: 0, abandoned: 0 };
  readonly #log: EventLog;
  readonly #options: DeliveryOptions;
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  /** Pending batches, in the order of their sending, with their start times. */
  readonly #inFlight = new Map<Promise<void>, number>();
  #producer: Promise<LogProducer>;
  #failure: { readonly error: unknown } | undefined;

  /** Opens a producer at once. */
  constructor(log: EventLog, options: DeliveryOptions = {}) {
    this.#log = log;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#maxInFlight = options.maxInFlight ?? 8;
    this.#producer = log.producer();
    this.#producer.catch(() => {});
  }

  /** Starts to send a batch. Await {@linkcode Delivery.room} first. */
  send(records: readonly PlannedRecord[]): void {
    const work = this.#deliver(records)
      .catch((error) => void (this.#failure ??= { error }))
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.set(work, this.#clock.monotonic());
  }

  /** Milliseconds that the oldest pending batch has waited for its acknowledgement. */
  get waiting(): number {
    const [oldest] = this.#inFlight.values();
    return oldest === undefined ? 0 : this.#clock.monotonic() - oldest;
  }

  /** Waits until another batch may be sent. Rejects if one has failed for good. */
  async room(): Promise<void> {
    while (this.#inFlight.size >= this.#maxInFlight) await Promise.race(this.#inFlight.keys());
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits until everything is acknowledged, then closes the producer. */
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

  /** Whether the records are in the log; false if they were abandoned. */
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
        // Resending an unanswered batch may leave two copies: the ledger records it.
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

  /** One record of many is too large: the others must still be delivered. */
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

/** Hash of a record's value, as in ledger and manifest. */
export function hashOf(record: PlannedRecord): string {
  return record.value === null ? "" : hashBytes(record.value);
}

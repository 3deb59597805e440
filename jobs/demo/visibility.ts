/**
 * The latency from a record's due time until the API shows it. No job can measure it alone: the
 * generator knows the due time, and serving the answers.
 *
 * The API is queried over HTTP, as by a user: a record is visible once the folded offsets of an
 * answer are beyond it. Every record counts from its due time, so that a stall is not hidden by the
 * records that it delayed.
 *
 * @module
 */

import { type Acknowledgement, type EventLog, partitionName } from "@pipeline/core";
import type { PlannedRecord } from "@pipeline/generator";
import { systemClock } from "@pipeline/runtime";

/** Latencies in milliseconds, to the millisecond, up to a minute. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(60_001);
  #total = 0;
  #max = 0;

  /** Adds one latency. */
  add(ms: number): void {
    const at = Math.min(this.#counts.length - 1, Math.max(0, Math.round(ms)));
    this.#counts[at]!++;
    this.#total++;
    if (ms > this.#max) this.#max = ms;
  }

  /** How many were added. */
  get total(): number {
    return this.#total;
  }

  /** The greatest latency. */
  get max(): number {
    return Math.round(this.#max);
  }

  /** The smallest latency that a share of all (0 to 1) does not exceed; 0 without any. */
  quantile(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (let ms = 0; ms < this.#counts.length && this.#total > 0; ms++) {
      left -= this.#counts[ms]!;
      if (left <= 0) return ms;
    }
    return 0;
  }
}

/** An acknowledged record that is not visible yet. */
interface Pending {
  readonly offset: number;
  readonly due: number;
}

/** Options of {@linkcode Visibility}. */
export interface VisibilityOptions {
  /** The URL of the API. */
  readonly url: string;
  /** Milliseconds between two requests. */
  readonly interval: number;
  /** Milliseconds from now whose records are left out. */
  readonly warmUp: number;
}

/** Polls the API until it is closed. */
export class Visibility {
  /** All latencies so far. */
  readonly latencies: LatencyHistogram = new LatencyHistogram();
  /** Number of records of the log that the last answer included. */
  folded = 0;
  readonly #pending = new Map<string, Pending[]>();
  readonly #o: VisibilityOptions;
  readonly #warm: number;
  readonly #ending = new AbortController();
  readonly #polling: Promise<void>;

  /** Starts to poll. */
  constructor(options: VisibilityOptions) {
    this.#o = options;
    this.#warm = Date.now() + options.warmUp;
    this.#polling = this.#poll();
  }

  /** A log for the generator that notes records when they are acknowledged. */
  watched(log: EventLog): EventLog {
    return {
      ensureTopics: (...args) => log.ensureTopics(...args),
      ranges: (topic) => log.ranges(topic),
      producer: async () => {
        const producer = await log.producer();
        return {
          send: async (records) => {
            const acknowledgements = await producer.send(records);
            // The generator passes its planned records to the log unchanged.
            this.#acknowledged(records as readonly PlannedRecord[], acknowledgements);
            return acknowledgements;
          },
          close: () => producer.close(),
        };
      },
      subscribe: (subscription) => log.subscribe(subscription),
      marks: (group, topic) => log.marks(group, topic),
      read: (...args) => log.read(...args),
      close: () => log.close(),
    };
  }

  /** Stops polling. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#polling;
  }

  #acknowledged(
    records: readonly PlannedRecord[],
    acknowledgements: readonly Acknowledgement[],
  ): void {
    for (const [i, { topic, partition, offset }] of acknowledgements.entries()) {
      const due = records[i]!.scheduled;
      if (due < this.#warm) continue;
      const name = partitionName(topic, partition);
      const pending = this.#pending.get(name);
      if (pending === undefined) this.#pending.set(name, [{ offset, due }]);
      else pending.push({ offset, due });
    }
  }

  async #poll(): Promise<void> {
    const { url, interval } = this.#o;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const response = await fetch(`${url}/v1/status`, { signal });
        const body = await response.json();
        if (response.ok) this.#visible(body.provenance.folded, Date.now());
      } catch {
        // The API is stopping or slow: pending records are seen later, and count in full.
      }
      await systemClock.sleep(interval, signal).catch(() => {});
    }
  }

  /** Records the folded offsets of an answer, `null` for partitions not begun, and its time. */
  #visible(folded: Readonly<Record<string, readonly (number | null)[]>>, now: number): void {
    let sum = 0;
    for (const [topic, offsets] of Object.entries(folded)) {
      for (const [partition, offset] of offsets.entries()) {
        const next = offset ?? 0;
        sum += next;
        const pending = this.#pending.get(partitionName(topic, partition)) ?? [];
        let settled = 0;
        while (settled < pending.length && pending[settled]!.offset < next) {
          this.latencies.add(now - pending[settled++]!.due);
        }
        if (settled > 0) pending.splice(0, settled);
      }
    }
    this.folded = sum;
  }
}

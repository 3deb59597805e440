/**
 * How long it takes from the moment a record is due until the API shows it, which none of the jobs can say:
 * the generator knows the one, and serving the other.
 *
 * The API is asked over HTTP, as a user would, how far its answers reach: a record
 * is visible once the folded offsets of an answer are beyond it. Every record counts,
 * from the time at which it was due, so that a stall is not hidden by the records
 * that were held back with it.
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

/** A record that was acknowledged and is not visible yet. */
interface Pending {
  readonly offset: number;
  readonly due: number;
}

/** What is watched. */
export interface VisibilityOptions {
  /** Where the API is. */
  readonly url: string;
  /** Milliseconds between two questions to it. */
  readonly interval: number;
  /** Milliseconds from now in which records count for no latency. */
  readonly warmUp: number;
}

/** Asks the API until it is closed. */
export class Visibility {
  /** All latencies so far. */
  readonly latencies: LatencyHistogram = new LatencyHistogram();
  /** Records of the log that the last answer had folded. */
  folded = 0;
  readonly #pending = new Map<string, Pending[]>();
  readonly #o: VisibilityOptions;
  readonly #warm: number;
  readonly #ending = new AbortController();
  readonly #asking: Promise<void>;

  /** Begins to ask. */
  constructor(options: VisibilityOptions) {
    this.#o = options;
    this.#warm = Date.now() + options.warmUp;
    this.#asking = this.#ask();
  }

  /** The same log for the generator, whose records are noted as the log acknowledges them. */
  watched(log: EventLog): EventLog {
    return {
      ensureTopics: (...args) => log.ensureTopics(...args),
      ranges: (topic) => log.ranges(topic),
      producer: async () => {
        const producer = await log.producer();
        return {
          send: async (records) => {
            const acknowledgements = await producer.send(records);
            // The generator hands the log what it has planned as it is.
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

  /** Stops asking. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#asking;
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

  async #ask(): Promise<void> {
    const { url, interval } = this.#o;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const response = await fetch(`${url}/v1/status`, { signal });
        const body = await response.json();
        if (response.ok) this.#visible(body.provenance.folded, Date.now());
      } catch {
        // The API is stopping, or slow: what is not seen yet is seen later, and counts in full.
      }
      await systemClock.sleep(interval, signal).catch(() => {});
    }
  }

  /** Notes what an answer has folded, `null` where that is not begun, and when the answer was there. */
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

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

import { type EventLog, partitionName } from "@pipeline/core";
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

interface Pending {
  readonly offset: number;
  readonly due: number;
}

/** What the API's status says of how far its answers reach; `null` where that is not begun. */
type FoldedOffsets = Readonly<Record<string, readonly (number | null)[]>>;

/** Records that were acknowledged and are not visible yet. */
export class VisibilityProbe {
  readonly #pending = new Map<string, Pending[]>();
  /** All latencies so far. */
  readonly all: LatencyHistogram = new LatencyHistogram();
  /** Records of the log that the last answer had folded. */
  folded = 0;
  #recent = new LatencyHistogram();
  #before = new LatencyHistogram();
  #turned = 0;

  /** Notes an acknowledged record and when it was due. */
  acknowledged(topic: string, partition: number, offset: number, due: number): void {
    const name = partitionName(topic, partition);
    const pending = this.#pending.get(name);
    if (pending === undefined) this.#pending.set(name, [{ offset, due }]);
    else pending.push({ offset, due });
  }

  /** Notes what an answer has folded, and when the answer was there. */
  visible(folded: FoldedOffsets, now: number): void {
    if (now - this.#turned > 10_000) {
      this.#before = this.#recent;
      this.#recent = new LatencyHistogram();
      this.#turned = now;
    }
    let sum = 0;
    for (const [topic, offsets] of Object.entries(folded)) {
      for (const [partition, next] of offsets.entries()) {
        this.#settle(topic, partition, next ?? 0, now);
        sum += next ?? 0;
      }
    }
    this.folded = sum;
  }

  #settle(topic: string, partition: number, next: number, now: number): void {
    const pending = this.#pending.get(partitionName(topic, partition));
    if (pending === undefined) return;
    let settled = 0;
    while (settled < pending.length && pending[settled]!.offset < next) {
      const latency = now - pending[settled++]!.due;
      this.all.add(latency);
      this.#recent.add(latency);
    }
    if (settled > 0) pending.splice(0, settled);
  }

  /** Latencies of the last ten to twenty seconds, where there are any. */
  recent(): { readonly p50: number; readonly p99: number } | undefined {
    const window = this.#before.total > 0 ? this.#before : this.#recent;
    if (window.total === 0) return undefined;
    return { p50: window.quantile(0.5), p99: window.quantile(0.99) };
  }
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

/** A probe that asks the API. */
export class Visibility {
  /** What was found. */
  readonly probe = new VisibilityProbe();
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
            for (const [i, { topic, partition, offset }] of acknowledgements.entries()) {
              // The generator hands the log what it has planned as it is.
              const { scheduled } = records[i] as PlannedRecord;
              if (scheduled < this.#warm) continue;
              this.probe.acknowledged(topic, partition, offset, scheduled);
            }
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

  async #ask(): Promise<void> {
    const { url, interval } = this.#o;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const response = await fetch(`${url}/v1/status`, { signal });
        const body = await response.json();
        if (response.ok) this.probe.visible(body.provenance.folded, Date.now());
      } catch {
        // The API is stopping, or slow: what is not seen yet is seen later, and counts in full.
      }
      await systemClock.sleep(interval, signal).catch(() => {});
    }
  }
}

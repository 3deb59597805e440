/**
 * Measures the time from when a record is due until the API shows it.
 *
 * The API is queried over HTTP, as by a user, for its folded offsets: a record is visible once the
 * folded offsets of an answer are beyond it. Every record counts, from its due time, so that a
 * stall is not hidden by the records that were held back with it.
 *
 * @module
 */

import { partitionName } from "@pipeline/core";

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

  /** Number of latencies. */
  get total(): number {
    return this.#total;
  }

  /** The greatest latency. */
  get max(): number {
    return Math.round(this.#max);
  }

  /** The smallest latency that a share of all (0 to 1) does not exceed; 0 if there are none. */
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

/** Records that were acknowledged and are not visible yet. */
export class VisibilityProbe {
  readonly #pending = new Map<string, Pending[]>();
  /** All latencies so far. */
  readonly all: LatencyHistogram = new LatencyHistogram();
  #recent = new LatencyHistogram();
  #before = new LatencyHistogram();
  #turned = 0;

  /** Notes an acknowledged record and its due time. */
  acknowledged(topic: string, partition: number, offset: number, due: number): void {
    const name = partitionName(topic, partition);
    const pending = this.#pending.get(name);
    if (pending === undefined) this.#pending.set(name, [{ offset, due }]);
    else pending.push({ offset, due });
  }

  /** Notes the folded offsets of an answer, and its time. */
  visible(folded: Readonly<Record<string, readonly number[]>>, now: number): void {
    if (now - this.#turned > 10_000) {
      this.#before = this.#recent;
      this.#recent = new LatencyHistogram();
      this.#turned = now;
    }
    for (const [topic, offsets] of Object.entries(folded)) {
      for (const [partition, next] of offsets.entries()) this.#settle(topic, partition, next, now);
    }
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

  /** Latencies of the last ten to twenty seconds, if there are any. */
  recent(): { readonly p50: number; readonly p99: number } | undefined {
    const window = this.#before.total > 0 ? this.#before : this.#recent;
    if (window.total === 0) return undefined;
    return { p50: window.quantile(0.5), p99: window.quantile(0.99) };
  }
}

/**
 * How long records take to become visible: measured by speed, and stored for those that show it.
 * One document per partition, which the partition's current owner replaces.
 *
 * @module
 */

import { partitionName, type ServingStore, type Topic } from "@pipeline/core";

/** Recent latencies of one partition. */
export interface PartitionLatency {
  /** Topic of the records. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** When this was written, milliseconds since 1970. */
  readonly at: number;
  /**
   * Milliseconds from a record's append until it could be asked about, to two digits, with the
   * number of occurrences: of the oldest record of each batch of the log, in the last minute.
   */
  readonly counts: readonly (readonly [ms: number, count: number])[];
}

const LATENCY = "latency/";

/** Milliseconds for which a stored latency counts as current. */
const FRESH = 60_000;

/** Writes the latencies of partitions; older ones never replace newer ones. */
export async function writeLatencies(
  store: ServingStore,
  latencies: readonly PartitionLatency[],
): Promise<void> {
  await store.putControls(latencies.map((body) => ({
    id: LATENCY + partitionName(body.topic, body.partition),
    version: body.at,
    body,
  })));
}

/** The median and the 99th percentile over all partitions, if there are recent measurements. */
export async function readLatency(
  store: ServingStore,
  now: number,
): Promise<{ readonly p50: number; readonly p99: number } | undefined> {
  const all = (await store.controls(LATENCY)).map(({ body }) => body as PartitionLatency)
    .filter(({ at }) => now - at < FRESH)
    .flatMap(({ counts }) => counts)
    .sort(([a], [b]) => a - b);
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  const quantile = (share: number) => {
    let left = Math.ceil(total * share);
    return all.find(([, count]) => (left -= count) <= 0)![0];
  };
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

/** The latencies of the last minute, by partition. */
export class RecentLatencies {
  readonly #partitions = new Map<string, Recent>();

  /** Notes that a record became visible at `at`, `ms` milliseconds after its append. */
  note(topic: Topic, partition: number, { at, ms }: { readonly at: number; readonly ms: number }) {
    const name = partitionName(topic, partition);
    const recent = this.#partitions.get(name) ?? { topic, partition, times: [], changed: true };
    this.#partitions.set(name, recent);
    recent.times.push({ at, ms: twoDigits(ms) });
    recent.changed = true;
  }

  /** The latencies to write, of partitions with new ones. */
  take(now: number): PartitionLatency[] {
    const taken: PartitionLatency[] = [];
    for (const recent of this.#partitions.values()) {
      recent.times = recent.times.filter(({ at }) => now - at < MINUTE);
      if (!recent.changed) continue;
      recent.changed = false;
      const { topic, partition, times } = recent;
      const counts = [...Map.groupBy(times, ({ ms }) => ms)]
        .map(([ms, same]) => [ms, same.length] as const);
      taken.push({ topic, partition, at: now, counts });
    }
    return taken;
  }
}

interface Recent {
  readonly topic: Topic;
  readonly partition: number;
  times: { readonly at: number; readonly ms: number }[];
  changed: boolean;
}

const MINUTE = 60_000;

/** Rounds up to two significant digits. */
function twoDigits(ms: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ms))) - 1);
  return Math.ceil(Math.max(0, ms) / unit) * unit;
}

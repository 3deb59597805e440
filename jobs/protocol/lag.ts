/**
 * The ends of the log, and the lag of a job.
 *
 * @module
 */

import {
  type EventLog,
  type OffsetVector,
  offsetVector,
  partitionName,
  PipelineError,
  STOP_REASONS,
  type StoppedPartition,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import type { Clock, Health, Metrics } from "@pipeline/runtime";

/** The end of every partition of the log. Rejects with `not_found` if a topic is missing. */
export async function readEnds(log: EventLog, partitions: number): Promise<OffsetVector> {
  const ranges = new Map(
    await Promise.all(TOPICS.map(async (topic) => [topic, await log.ranges(topic)] as const)),
  );
  return offsetVector(
    partitions,
    (topic, p) => ranges.get(topic)!.find((range) => range.partition === p)?.end ?? 0,
  );
}

/** The consumer group of ingest: its marks are the offsets that the dataset has reached. */
export const INGEST_GROUP = "ingest";

/** The offsets that the dataset has reached, as last marked by ingest; -1 if nothing is marked. */
export async function readIngested(log: EventLog, partitions: number): Promise<OffsetVector> {
  const marks = new Map(
    await Promise.all(
      TOPICS.map(async (topic) => [topic, await log.marks(INGEST_GROUP, topic)] as const),
    ),
  );
  return offsetVector(partitions, (topic, p) => marks.get(topic)![p] ?? -1);
}

/** The position of a job in one partition. */
export interface Position {
  /** The topic. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The first offset that is not processed. */
  readonly offset: number;
}

/** Labels of a metric that has one value per partition. */
export const PARTITION_LABELS: { readonly topic: typeof TOPICS; readonly partition: number } = {
  topic: TOPICS,
  partition: 1_000,
};

/** Options of {@linkcode watchLag}. */
export interface LagOptions {
  /** The log whose ends are read. */
  readonly log: EventLog;
  /** Partitions of each topic. */
  readonly partitions: number;
  /** The partitions assigned to the job, with its position in each. */
  readonly positions: () => readonly Position[];
  /** The stopped ones among them. */
  readonly stopped: () => readonly StoppedPartition[];
  /**
   * Not ready while the log does not answer, or a partition is stopped; not live while any other
   * lag makes no progress.
   */
  readonly health: Health;
  /** Gets `log_lag_records`, `log_position_offset` and `log_stopped_offset` by topic and partition. */
  readonly metrics: Metrics;
  /** Times the polls. */
  readonly clock: Pick<Clock, "sleep">;
  /** Stops watching. */
  readonly signal: AbortSignal;
  /** Milliseconds between two polls; 5,000 by default. */
  readonly interval?: number;
  /** Milliseconds without any progress, while there is work, until the job is not live. */
  readonly stallAfter: number;
}

/** Watches a job's lag behind the log, until the signal is aborted. */
export async function watchLag(options: LagOptions): Promise<void> {
  const { health, metrics, clock, signal, interval = 5_000 } = options;
  const answers = health.gate("log");
  const progress = health.loop("progress", options.stallAfter);
  const lag = metrics.gauge("log_lag_records", {
    help: "Records of the log that the job has not processed yet.",
    labels: PARTITION_LABELS,
  });
  metrics.gauge("log_position_offset", {
    help: "The first offset of the log that the job has not processed.",
    labels: PARTITION_LABELS,
    collect: (gauge) => {
      gauge.clear();
      for (const { topic, partition, offset } of options.positions()) {
        gauge.set(offset, { topic, partition: String(partition) });
      }
    },
  });
  metrics.gauge("log_stopped_offset", {
    help: "Where a partition stands still, since what comes next in the log cannot be read.",
    labels: { ...PARTITION_LABELS, reason: STOP_REASONS },
    collect: (gauge) => {
      gauge.clear();
      for (const { topic, partition, offset, reason } of options.stopped()) {
        gauge.set(offset, { topic: topic as Topic, partition: String(partition), reason });
      }
    },
  });
  health.condition("partitions", () => {
    const sentences = new Set(options.stopped().map(({ why }) => why));
    return sentences.size === 0 ? undefined : [...sentences].join("; ");
  });
  let before = "";
  const look = async () => {
    const ends = await readEnds(options.log, options.partitions);
    const positions = options.positions();
    // A restart does not help with a partition that cannot be read.
    const stopped = new Set(options.stopped().map((s) => partitionName(s.topic, s.partition)));
    let behind = 0;
    lag.clear();
    for (const { topic, partition, offset } of positions) {
      const records = Math.max(0, (ends[topic][partition] ?? 0) - offset);
      if (!stopped.has(partitionName(topic, partition))) behind += records;
      lag.set(records, { topic, partition: String(partition) });
    }
    const now = positions.map((p) => `${p.topic}-${p.partition}=${p.offset}`).sort().join();
    if (behind === 0 || now !== before) progress.beat();
    before = now;
    answers.open();
  };
  while (!signal.aborted) {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      // An unavailable log stops the job too, and is not the job's fault.
      progress.beat();
      answers.close(error.message);
    }
    await clock.sleep(interval, signal).catch(() => {});
  }
  progress.end();
}

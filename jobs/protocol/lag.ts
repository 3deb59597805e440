/**
 * How far the log is, and how far behind it a job is.
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

/** The end of every partition of the log. Rejects with `not_found` where a topic is missing. */
export async function readEnds(log: EventLog, partitions: number): Promise<OffsetVector> {
  const ranges = new Map(
    await Promise.all(TOPICS.map(async (topic) => [topic, await log.ranges(topic)] as const)),
  );
  return offsetVector(
    partitions,
    (topic, p) => ranges.get(topic)!.find((range) => range.partition === p)?.end ?? 0,
  );
}

/** The consumer group of ingest: what it marks is how far the dataset is. */
export const INGEST_GROUP = "ingest";

/** How far the dataset is, as ingest marked it last; -1 where it has marked nothing. */
export async function readIngested(log: EventLog, partitions: number): Promise<OffsetVector> {
  const marks = new Map(
    await Promise.all(
      TOPICS.map(async (topic) => [topic, await log.marks(INGEST_GROUP, topic)] as const),
    ),
  );
  return offsetVector(partitions, (topic, p) => marks.get(topic)![p] ?? -1);
}

/** How far a job is in one partition. */
export interface Position {
  /** The topic. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The first offset that is not done. */
  readonly offset: number;
}

/** Labels of a metric that has a value a partition. */
export const PARTITION_LABELS: { readonly topic: typeof TOPICS; readonly partition: number } = {
  topic: TOPICS,
  partition: 1_000,
};

/** Options of {@linkcode watchLag}. */
export interface LagOptions {
  /** Asked for its ends. */
  readonly log: EventLog;
  /** Partitions of each topic. */
  readonly partitions: number;
  /** The partitions that are the job's now, and how far it is there. */
  readonly positions: () => readonly Position[];
  /** Those of them that stand still, since what comes next cannot be read. */
  readonly stopped: () => readonly StoppedPartition[];
  /** Not ready while the log does not answer, or a partition stands still; not live while there is other lag that stays. */
  readonly health: Health;
  /** Gets `log_lag_records`, `log_position_offset` and `log_stopped_offset` by topic and partition. */
  readonly metrics: Metrics;
  /** Spaces the looks. */
  readonly clock: Pick<Clock, "sleep">;
  /** Ends watching. */
  readonly signal: AbortSignal;
  /** Milliseconds between two looks; 5,000 where not given. */
  readonly interval?: number;
  /** Milliseconds without any progress, while there is something to do, until the job is not live. */
  readonly stallAfter: number;
}

/** Watches how far a job is behind the log, until the signal is aborted. */
export async function watchLag(options: LagOptions): Promise<void> {
  const { health, metrics, clock, signal, interval = 5_000 } = options;
  const answers = health.gate("log");
  const progress = health.loop("progress", options.stallAfter);
  const lag = metrics.gauge("log_lag_records", {
    help: "Records of the log that the job has not done yet.",
    labels: PARTITION_LABELS,
  });
  const reached = metrics.gauge("log_position_offset", {
    help: "The first offset of the log that the job has not done.",
    labels: PARTITION_LABELS,
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
    // Starting anew does not help a partition that cannot be read.
    const stopped = new Set(options.stopped().map((s) => partitionName(s.topic, s.partition)));
    let behind = 0;
    lag.clear();
    reached.clear();
    for (const { topic, partition, offset } of positions) {
      const records = Math.max(0, (ends[topic][partition] ?? 0) - offset);
      if (!stopped.has(partitionName(topic, partition))) behind += records;
      const labels = { topic, partition: String(partition) };
      lag.set(records, labels);
      reached.set(offset, labels);
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
      // A log that is away stops the job too, and is no fault of the job's.
      progress.beat();
      answers.close(error.message);
    }
    await clock.sleep(interval, signal).catch(() => {});
  }
  progress.end();
}

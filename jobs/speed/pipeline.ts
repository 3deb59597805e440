/**
 * The commands of the speed job.
 *
 * @module
 */

import { type EventLog, type ServingStore, type ViewName, VIEWS } from "@pipeline/core";
import { RecentLatencies, watchLag, writeLatencies } from "@pipeline/protocol";
import { type Job, untilAborted } from "@pipeline/runtime";
import type { SpeedConfig } from "./config.ts";
import { Speed } from "./speed.ts";

/** The ports of the speed job. */
export interface SpeedPorts {
  /** The source of records. */
  readonly log: EventLog;
  /** The source of generations and the destination of documents. */
  readonly store: ServingStore;
}

/** Folds until the signal is aborted. */
export async function runSpeed({ log, store }: SpeedPorts, job: Job<SpeedConfig>): Promise<void> {
  const { config, metrics, logger, signal, clock } = job;
  const records = metrics.counter("speed_records_total", {
    help: "Records folded, into each generation that is folded.",
  });
  const documents = metrics.counter("speed_documents_total", {
    help: "Documents written.",
    labels: { view: VIEWS },
  });
  const flushed = metrics.histogram("speed_flush_duration_seconds", {
    help: "Time from collecting the changes until searches could find all of them.",
  });
  const latency = metrics.histogram("speed_visible_latency_seconds", {
    help: "Time from a record's append until it was visible in the served generation, " +
      "for the oldest record of each partition and flush.",
  });
  const recent = new RecentLatencies();
  const speed = Speed.start({
    log,
    store,
    settings: config,
    logger,
    onFlush: (flush) => {
      records.add(flush.records);
      flushed.observe(flush.took / 1000);
      for (const [view, count] of Object.entries(flush.documents)) {
        documents.add(count, { view: view as ViewName });
      }
      // The latency of a generation that is still catching up is not reported: nobody reads it yet.
      if (flush.generation !== speed.served) return;
      const at = clock.now();
      for (const { topic, partition, appended } of flush.oldest) {
        const ms = Math.max(0, at - appended);
        latency.observe(ms / 1000);
        recent.note(topic, partition, { at, ms });
      }
    },
  });
  metrics.gauge("speed_keys", {
    help: "Keys in memory, in all generations that are folded.",
    collect: (gauge) => {
      const folded = [...speed.folds.values()].flatMap((fold) => fold.folded());
      gauge.set(folded.reduce((sum, { keys }) => sum + keys, 0));
    },
  });
  job.health.condition("generations", () => {
    const broken = [...speed.broken];
    return broken.length === 0 ? undefined : `a part of generation ${broken.join(", ")} is gone`;
  });
  logger.info("Speed runs");
  const ending = new AbortController();
  const lag = watchLag({
    ...job,
    log,
    partitions: config.partitions,
    positions: () => positions(speed),
    stopped: () => [...speed.folds.values()].flatMap((fold) => fold.stopped()),
    signal: ending.signal,
    stallAfter: config.stallAfter,
  });
  const telling = tellLatencies(store, job, recent, ending.signal);
  try {
    await Promise.race([speed.done, untilAborted(signal)]);
    await speed.stop();
  } finally {
    ending.abort();
    await Promise.all([lag, telling]);
  }
}

/** Milliseconds between two writes of latencies to the store. */
const TELL = 5_000;

/** Writes recent latencies to the store, for the page. A failure has no consequence. */
async function tellLatencies(
  store: ServingStore,
  { clock, logger }: Job<SpeedConfig>,
  recent: RecentLatencies,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(TELL, signal).catch(() => {});
    try {
      await writeLatencies(store, recent.take(clock.now()));
    } catch (error) {
      logger.debug("Could not store the latencies", { error });
    }
  }
}

/** Folded offsets of the served generation. */
function positions(speed: Speed) {
  const fold = speed.served === undefined ? undefined : speed.folds.get(speed.served);
  return (fold?.folded() ?? []).map(({ topic, partition, next_offset }) => ({
    topic,
    partition,
    offset: next_offset,
  }));
}

/**
 * The commands of the speed job.
 *
 * @module
 */

import type { EventLog, ServingStore } from "@pipeline/core";
import {
  type LocalParts,
  type PartsRequest,
  RecentLatencies,
  watchLag,
  writeLatencies,
} from "@pipeline/protocol";
import { type Job, untilAborted } from "@pipeline/runtime";
import type { SpeedConfig } from "./config.ts";
import { countAnswers, countEvents, watchCopy, watchFolds } from "./metrics.ts";
import { serveParts } from "./parts_server.ts";
import { Speed } from "./speed.ts";

/** The ports of the speed job. */
export interface SpeedPorts {
  /** The source of records. */
  readonly log: EventLog;
  /** The source of generations and the destination of documents. */
  readonly store: ServingStore;
  /** Where folds are offered to the same process, in place of the endpoint. */
  readonly parts?: LocalParts;
}

/** Folds, and answers what is folded, until the signal is aborted. */
export async function runSpeed(
  { log, store, parts }: SpeedPorts,
  job: Job<SpeedConfig>,
): Promise<void> {
  const { config, metrics, logger, signal, clock } = job;
  const recent = new RecentLatencies();
  // No request comes before this turn of the event loop is over.
  const answer = (request: PartsRequest) => speed.answer(request);
  const withdraw = parts?.offer(answer);
  const server = parts === undefined
    ? serveParts({
      ...config.parts,
      source: { answered: () => speed.answered, answer },
      logger,
      onAnswer: countAnswers(metrics),
    })
    : undefined;
  const speed: Speed = Speed.start({
    log,
    store,
    settings: config,
    standby: config.standby,
    logger,
    ...countEvents(metrics, {
      // The latency of a generation that is still catching up is not reported: nobody reads it yet.
      onVisible: ({ topic, partition, generation, appended }) => {
        if (generation !== speed.served) return undefined;
        const at = clock.now();
        const ms = Math.max(0, at - appended);
        recent.note(topic, partition, { at, ms });
        return ms;
      },
    }),
  });
  watchFolds(metrics, speed);
  // A standby has no copy, and an age of 0 would hide that nobody writes.
  if (!config.standby) watchCopy(metrics, speed, clock);
  job.health.condition("generations", () => {
    const broken = [...speed.broken];
    return broken.length === 0 ? undefined : `a part of generation ${broken.join(", ")} is gone`;
  });
  logger.info(
    config.standby ? "Speed runs as a standby" : "Speed runs",
    server === undefined ? {} : { parts: server.port },
  );
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
  const telling = config.standby ? undefined : tellLatencies(store, job, recent, ending.signal);
  try {
    await Promise.race([speed.done, untilAborted(signal)]);
    // Questions are answered while the last pass is written.
    await speed.stop();
  } finally {
    ending.abort();
    withdraw?.();
    await Promise.all([lag, telling, server?.close()]);
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

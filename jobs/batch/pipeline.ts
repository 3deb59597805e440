/**
 * What the batch job does with its parts.
 *
 * @module
 */

import {
  canonicalJson,
  type EventLog,
  type MasterDataset,
  PipelineError,
  type ServingStore,
} from "@pipeline/core";
import { type Outcomes, readManifests, writeOutcome } from "@pipeline/protocol";
import { errorText, type Job } from "@pipeline/runtime";
import { type BatchReport, type BatchSettings, type BatchStep, runBatch } from "./batch.ts";
import { checkServing } from "./check.ts";
import type { BatchConfig } from "./config.ts";
import type { DayPool } from "./pool.ts";
import { rollBack } from "./roll_back.ts";
import type { LedgerEntry } from "./verify/ledger.ts";
import { verify } from "./verify/verify.ts";

/** The parts of a batch run. */
export interface BatchPorts {
  /** Where the records, commits and states are. */
  readonly dataset: MasterDataset;
  /** Where the views are. */
  readonly store: ServingStore;
}

/** The configuration as batch takes it. */
export function batchSettings(config: BatchConfig): BatchSettings {
  const { minutes, hours, days } = config.retention;
  return {
    views: { user_windows: config.views.userWindows, max_future: config.views.maxFuture },
    partitions: config.partitions,
    keep: config.keep,
    retention: { "1m": minutes, "1h": hours, "1d": days },
    catch_up_timeout: config.catchUpTimeout,
    poll_interval: config.pollInterval,
    lock_lease: config.lockLease,
    lock_wait: config.lockWait,
  };
}

/** Asks the store whether it is there, so that what it keeps of itself is made. */
export async function setUp(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
): Promise<void> {
  const generation = await job.begin("store", () => store.current());
  job.logger.info("The store is ready", { generation });
}

/** Waits for a generation that serves; checks that the aliases name it and that every shard answers. */
export async function checkUp(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
): Promise<void> {
  const { generation, documents } = await job.begin("generation", () => checkServing(store));
  job.logger.info("A generation serves, and all of it answers", { generation, documents });
}

/** Builds the next generation and switches to it. */
export async function runGeneration(
  { dataset, store }: BatchPorts,
  job: Job<BatchConfig>,
  options: {
    /** Compute everything anew. */
    readonly full: boolean;
    /** Threads that fold days; this one folds where not given. */
    readonly pool?: DayPool | undefined;
  },
): Promise<BatchReport> {
  const { config, metrics, logger, signal, clock } = job;
  const gauge = metrics.gauge("batch_step_done_ratio", {
    help: "How much of a step of the run is done, 0 to 1.",
    labels: { step: ["fold", "publish", "switch"] },
  });
  const { full, pool } = options;
  let last: BatchStep | undefined;
  const report = await runBatch({
    dataset,
    store,
    settings: batchSettings(config),
    full,
    clock,
    logger,
    signal,
    onProgress: (step, done, total) => {
      if (step !== last) logger.info("Step begun", { step, total });
      last = step;
      gauge.set(total === 0 ? 1 : done / total, { step });
    },
    ...(pool === undefined ? {} : { foldDay: (task) => pool.fold(task) }),
  }).catch(async (error) => {
    await keepOutcome(store, job, "failed", { at: clock.now(), why: errorText(error) });
    throw error;
  });
  const { generation, previous, records, documents, took } = report;
  await keepOutcome(store, job, "succeeded", { at: clock.now(), generation, took });
  logger.info("Generation serves", { generation, previous, records, documents, took_ms: took });
  return report;
}

/** Keeps what came of a run for those who watch. That this fails changes nothing about the run. */
async function keepOutcome<K extends keyof Outcomes>(
  store: ServingStore,
  { logger }: Pick<Job<BatchConfig>, "logger">,
  kind: K,
  outcome: NonNullable<Outcomes[K]>,
): Promise<void> {
  try {
    await writeOutcome(store, kind, outcome);
  } catch (error) {
    logger.warn("What came of the run could not be kept", { kind, error });
  }
}

/** Makes an earlier generation serve again: the one before, where none is named. */
export async function rollBackTo(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
  named: number | undefined,
): Promise<void> {
  const { config, logger, signal, clock } = job;
  const generation = named ?? await job.begin("store", () => previousGeneration(store));
  await rollBack(generation, { store, settings: batchSettings(config), clock, logger, signal });
  logger.info("Generation serves again", { generation });
}

async function previousGeneration(store: ServingStore): Promise<number> {
  const current = await store.current();
  const kept = (await readManifests(store)).map(({ manifest }) => manifest)
    .filter(({ generation, state }) => state === "previous" && generation !== current);
  const previous = kept.at(-1)?.generation;
  if (previous !== undefined) return previous;
  throw new PipelineError("not_found", "There is no previous generation to go back to");
}

/** Verifies what is served, and prints what it found. Returns the exit code. */
export async function runVerify(
  { log, dataset, store }: BatchPorts & { readonly log: EventLog },
  job: Job<BatchConfig>,
  options: {
    /** Also check merged values: only while nothing is written. */
    readonly merged: boolean;
    /** Also check these acknowledged records. */
    readonly ledger?: AsyncIterable<LedgerEntry> | undefined;
  },
): Promise<number> {
  const { merged, ledger } = options;
  const checked = ledger === undefined ? {} : { ledger };
  const { first, ...report } = await verify({ log, dataset, store, merged, ...checked });
  const { generation, differences } = report;
  const at = job.clock.now();
  await keepOutcome(store, job, "verified", { at, generation, differences });
  if (report.ledger !== undefined) {
    await keepOutcome(store, job, "compared", { at, differences: report.ledger.differences });
  }
  for (const difference of first) job.print(canonicalJson(difference));
  job.print(canonicalJson(report));
  return report.exact ? 0 : 1;
}

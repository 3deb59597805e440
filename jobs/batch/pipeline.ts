/**
 * The commands of the batch job.
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
import { type LiveParts, type Outcomes, readManifests, writeOutcome } from "@pipeline/protocol";
import { errorText, type Job } from "@pipeline/runtime";
import { type BatchReport, type BatchStep, runBatch } from "./batch.ts";
import { checkServing } from "./check.ts";
import type { BatchConfig } from "./config.ts";
import { startDayPool } from "./pool.ts";
import { rollBack } from "./roll_back.ts";
import type { LedgerEntry } from "./verify/ledger.ts";
import { verify, type VerifyReport } from "./verify/verify.ts";

/** The ports of a batch run. */
export interface BatchPorts {
  /** Where records, commits and states are stored. */
  readonly dataset: MasterDataset;
  /** Where the views are stored. */
  readonly store: ServingStore;
}

/** The ports of a verification. */
export interface VerifyPorts extends BatchPorts {
  /** The source of the records. */
  readonly log: EventLog;
  /** The folds that can be asked; without them, memory is not checked. */
  readonly parts?: LiveParts;
}

/** Probes the store, so that its internal indices are created. */
export async function setUp(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
): Promise<void> {
  const generation = await job.begin("store", () => store.current());
  job.logger.info("The store is ready", { generation });
}

/**
 * Waits for a served generation; checks that the aliases point to it and that every shard answers.
 */
export async function checkUp(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
): Promise<void> {
  const { generation, documents } = await job.begin("generation", () => checkServing(store));
  job.logger.info("The served generation answers completely", { generation, documents });
}

/** Builds the next generation and switches to it. */
export async function runGeneration(
  { dataset, store }: BatchPorts,
  job: Job<BatchConfig>,
  { full }: {
    /** Recompute everything. */
    readonly full: boolean;
  },
): Promise<BatchReport> {
  const { config, metrics, logger, signal, clock } = job;
  const gauge = metrics.gauge("batch_step_done_ratio", {
    help: "Progress of a step of the run, 0 to 1.",
    labels: { step: ["fold", "publish", "switch"] },
  });
  const { threads } = config;
  const pool = threads < 2 ? undefined : startDayPool(threads, config, { shown: job.retry });
  let last: BatchStep | undefined;
  const report = await runBatch({
    dataset,
    store,
    settings: config,
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
  }).finally(() => pool?.close());
  const { generation, previous, records, documents, took } = report;
  await keepOutcome(store, job, "succeeded", { at: clock.now(), generation, took });
  logger.info("Generation serves", { generation, previous, records, documents, took_ms: took });
  return report;
}

/** Stores the outcome of a run for monitoring. A failure does not affect the run. */
async function keepOutcome<K extends keyof Outcomes>(
  store: ServingStore,
  { logger }: Pick<Job<BatchConfig>, "logger">,
  kind: K,
  outcome: NonNullable<Outcomes[K]>,
): Promise<void> {
  try {
    await writeOutcome(store, kind, outcome);
  } catch (error) {
    logger.warn("Could not store the outcome of the run", { kind, error });
  }
}

/** Switches back to an earlier generation: the previous one, unless another is named. */
export async function rollBackTo(
  { store }: Pick<BatchPorts, "store">,
  job: Job<BatchConfig>,
  named: number | undefined,
): Promise<void> {
  const { config, logger, signal, clock } = job;
  const generation = named ?? await job.begin("store", () => previousGeneration(store));
  await rollBack(generation, { store, settings: config, clock, logger, signal });
  logger.info("Generation serves again", { generation });
}

async function previousGeneration(store: ServingStore): Promise<number> {
  const current = await store.current();
  const kept = (await readManifests(store)).map(({ manifest }) => manifest)
    .filter(({ generation, state }) => state === "previous" && generation !== current);
  const previous = kept.at(-1)?.generation;
  if (previous !== undefined) return previous;
  throw new PipelineError("not_found", "There is no previous generation to roll back to");
}

/** The scope of a verification. */
export interface VerifyRequest {
  /** Also check merged values: only while there are no writes. */
  readonly merged?: boolean | undefined;
  /** Also check these acknowledged records. */
  readonly ledger?: AsyncIterable<LedgerEntry> | undefined;
  /** Check at most this many keys of a view, and read only the data that they need. */
  readonly sample?: number | undefined;
  /** Seed of the sample; the generation's number by default. */
  readonly seed?: number | undefined;
  /** Time limit in milliseconds; the verification then reports its results so far. */
  readonly within?: number | undefined;
}

/** Exit codes of a verification. */
export const VERIFIED = {
  /** Everything in scope is correct. */
  exact: 0,
  /** There are differences. */
  different: 1,
  /** No differences so far, but the time was up. */
  unfinished: 4,
} as const;

/**
 * Verifies the served generation, and prints the result. Returns the exit code, one of {@linkcode
 * VERIFIED}.
 */
export async function runVerify(
  { log, dataset, store, parts }: VerifyPorts,
  job: Job<BatchConfig>,
  request: VerifyRequest,
): Promise<number> {
  const { merged = false, ledger, sample: keys, seed, within } = request;
  if (seed !== undefined && keys === undefined) {
    throw new PipelineError("invalid", `--seed ${seed} chooses a sample: it needs --sample`);
  }
  const { first, ...report } = await verify({
    log,
    dataset,
    store,
    ...(parts === undefined ? {} : { parts }),
    merged,
    ...(ledger === undefined ? {} : { ledger }),
    ...(keys === undefined ? {} : { sample: { keys, ...(seed === undefined ? {} : { seed }) } }),
    within,
    clock: job.clock,
  });
  const { generation, differences, unfinished } = report;
  const at = job.clock.now();
  // A partial verification can prove that something is wrong, but not that nothing is.
  if (differences > 0 || (keys === undefined && unfinished === undefined)) {
    await keepOutcome(store, job, "verified", { at, generation, differences });
  }
  if (report.ledger !== undefined) {
    await keepOutcome(store, job, "compared", { at, differences: report.ledger.differences });
  }
  for (const difference of first) job.print(canonicalJson(difference));
  job.print(canonicalJson(report));
  if (unfinished !== undefined) job.logger.error(unfinishedText(report, within!));
  if (differences > 0) return VERIFIED.different;
  return unfinished === undefined ? VERIFIED.exact : VERIFIED.unfinished;
}

function unfinishedText(
  { unfinished, read, differences }: Omit<VerifyReport, "first">,
  within: number,
) {
  const { dataset_records: dataset, log_records: log } = read;
  return `Time was up after ${within} ms, while ${unfinished}: ${dataset} records of the dataset and ` +
    `${log} of the log were read, and ${differences} differences found; the rest was not verified`;
}

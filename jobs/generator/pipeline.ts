/**
 * The commands of the generator.
 *
 * @module
 */

import { DAY, type EventLog, type MasterDataset } from "@pipeline/core";
import {
  CommitLog,
  JsonLinesFile,
  type Ledger,
  openLedger,
  topicsAreThere,
} from "@pipeline/protocol";
import { type Job, type Metrics, type RetryOptions, Waiting } from "@pipeline/runtime";
import { archiveLoadId, loadArchive } from "./archive/load.ts";
import { archiveSize } from "./archive/open.ts";
import { ArchiveReplay } from "./archive/replay.ts";
import { sendCanaries, sendCanary } from "./canary.ts";
import { type GeneratorConfig, historyOptions, realtimeOptions } from "./config.ts";
import type { DeliveredBatch, DeliveryCounts } from "./delivery.ts";
import type { InjectedRecord } from "./disorder.ts";
import { generateHistory, historyLoadId, type Progress } from "./historical.ts";
import { recordedEnd } from "./history_end.ts";
import { RealtimeProducer } from "./realtime.ts";
import { showsPost } from "./serving_api.ts";
import type { LoadManifest } from "./staging.ts";

type GeneratorJob = Job<GeneratorConfig>;

/** Generates history into the dataset's staging, unless it is already there or committed. */
export async function runHistorical(dataset: MasterDataset, job: GeneratorJob): Promise<void> {
  const { config, clock } = job;
  const end = config.historical.end ??
    await job.begin("dataset", () => {
      const { end: _, ...identity } = historyOptions(config, 0);
      return recordedEnd(dataset, identity, clock.now());
    });
  const options = historyOptions(config, end);
  const load = historyLoadId(options);
  await stageOnce(dataset, job, {
    load,
    ratio: stagedRatio(job),
    stage: (limits) => generateHistory(dataset, options, limits),
  });
}

const EMPTY_ARCHIVE = "The archive has no lines: no record comes from it";

/** Loads each archive into the dataset's staging. */
export async function runArchiveLoads(dataset: MasterDataset, job: GeneratorJob): Promise<void> {
  const { files } = job.config.archive;
  for (const file of files) await archiveSize(file);
  const ratio = stagedRatio(job);
  for (const file of files) {
    let rejected = 0;
    const staged = await stageOnce(dataset, job, {
      load: await archiveLoadId(file),
      ratio,
      stage: (limits) =>
        loadArchive(dataset, file, {
          ...limits,
          onRejected: ({ line, reason }) => {
            if (rejected++ < 3) job.logger.warn("A line cannot be used", { file, line, reason });
          },
        }),
    });
    if (rejected > 0) job.logger.warn("Lines could not be used", { file, lines: rejected });
    if (staged?.files.length === 0) job.logger.warn(EMPTY_ARCHIVE, { file });
  }
}

function stagedRatio({ metrics }: GeneratorJob) {
  return metrics.gauge("generator_step_done_ratio", {
    help: "How much of a step of a load is done, 0 to 1.",
    labels: { step: ["stage"] },
  });
}

interface Staging {
  readonly load: string;
  readonly ratio: ReturnType<typeof stagedRatio>;
  readonly stage: (limits: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: Progress) => void;
  }) => Promise<LoadManifest>;
}

/** Returns the staged load; `undefined` if it is already committed. */
async function stageOnce(
  dataset: MasterDataset,
  { begin, logger, signal }: GeneratorJob,
  { load, ratio, stage }: Staging,
): Promise<LoadManifest | undefined> {
  const committed = await begin("dataset", () => new CommitLog(dataset).history(load));
  if (committed !== undefined) {
    logger.info("The load was committed before", { load, records: committed.records });
    return undefined;
  }
  let shown = 0;
  const manifest = await stage({
    signal,
    onProgress: ({ done, total }) => {
      ratio.set(total === 0 ? 1 : done / total, { step: "stage" });
      const tenth = Math.floor(done * 10 / Math.max(1, total));
      if (tenth > shown) logger.info("Staging", { load, done, total });
      shown = tenth;
    },
  });
  const { files, totals } = manifest;
  logger.info("The load waits in staging to be committed", { load, files: files.length, totals });
  return manifest;
}

/** Produces live traffic until its duration is over, or the signal is aborted. */
export async function runRealtime(log: EventLog, job: GeneratorJob): Promise<void> {
  const { config, clock, logger } = job;
  const run = config.realtime.run ?? Math.floor(clock.now() / 1000);
  const options = realtimeOptions(config, { run, ...registration(config) });
  const manifest = config.manifest === undefined
    ? undefined
    : await JsonLinesFile.open<InjectedRecord>(config.manifest);
  try {
    await deliver(log, job, (common) => {
      const producer = new RealtimeProducer(log, options, {
        ...common,
        linger: config.realtime.linger,
        ...(manifest === undefined ? {} : { manifest }),
      });
      logger.info("Producing", { run, rate: options.rate });
      return producer;
    });
  } finally {
    await manifest?.close();
  }
}

/** Flags of a canary. */
export interface CanaryFlags {
  /** URL of the serving layer's API. */
  readonly serving: string;
  /** Milliseconds until it must be served. */
  readonly within: number;
  /** Milliseconds until it must be in the dataset. */
  readonly committedWithin: number;
}

/** Sends one record through the whole pipeline. */
export async function runCanary(
  { log, dataset }: { readonly log: EventLog; readonly dataset: MasterDataset },
  { begin, config, clock, logger, retry, signal }: GeneratorJob,
  { serving, ...limits }: CanaryFlags,
): Promise<void> {
  await begin("log", () => topicsAreThere(log));
  const shows = showsPost(serving);
  const ledger = config.ledger === undefined ? undefined : await openLedger(config.ledger);
  const flight = sendCanary({
    ...{ log, dataset, shows, clock, signal, logger, ledger, ...limits },
    retry: { ...retry, signal },
  });
  const { served, committed } = await flight.finally(() => ledger?.close());
  logger.info("The canary was served and is in the dataset", {
    served_ms: served,
    committed_ms: committed,
  });
}

/** Flags of canaries that are sent continuously. */
export interface CanariesFlags extends Pick<CanaryFlags, "serving" | "within"> {
  /** Milliseconds between the starts of two canaries. */
  readonly every: number;
}

/** Sends canaries periodically, and reports how long each took until it was served. */
export async function runCanaries(
  log: EventLog,
  { begin, clock, health, logger, metrics, signal }: GeneratorJob,
  { serving, ...limits }: CanariesFlags,
): Promise<void> {
  const visible = metrics.histogram("canary_visible_seconds", {
    help: "Time from a canary's acknowledgement until the API showed it.",
  });
  const lost = metrics.counter("canary_lost_total", {
    help:
      "Canaries that the log did not accept, that were not served in time, or that an answer lacked.",
  });
  await begin("log", () => topicsAreThere(log));
  health.gate("canaries").open();
  logger.info("Sending canaries", limits);
  await sendCanaries({
    ...{ log, clock, signal, ...limits },
    shows: showsPost(serving),
    onServed: (took) => visible.observe(took / 1000),
    onLost: ({ message }) => {
      lost.add(1);
      logger.warn(message);
    },
  });
}

/** Replays the archives onto the log. */
export async function runReplay(log: EventLog, job: GeneratorJob): Promise<void> {
  const { files, speed } = job.config.archive;
  for (const file of files) await archiveSize(file);
  await deliver(log, job, (common) =>
    new ArchiveReplay(log, { files, speed }, {
      ...common,
      onEmpty: (file) => job.logger.warn(EMPTY_ARCHIVE, { file }),
      onRejected: ({ file, line, reason }) =>
        job.logger.debug("A line cannot be used", { file, line, reason }),
    }));
}

/** Milliseconds without an acknowledgement after which the log counts as unavailable. */
const STALLED = 10_000;

/** Milliseconds between two checks of that. */
const POLL_INTERVAL = 1_000;

interface Producing {
  readonly waiting: number;
  run(): Promise<Readonly<DeliveryCounts>>;
  status(): Readonly<DeliveryCounts> & { readonly produced: number; readonly behind?: number };
}

interface Common {
  readonly signal: AbortSignal;
  readonly retry: Pick<RetryOptions, "onRetry" | "onSettled">;
  readonly onDelivered: (batch: DeliveredBatch) => void;
  readonly ledger?: Ledger;
}

/** Produces records, with metrics and an optional ledger. */
async function deliver(
  log: EventLog,
  job: GeneratorJob,
  make: (common: Common) => Producing,
): Promise<void> {
  const { config, metrics, health, logger, signal, retry } = job;
  // The schedule starts when the topics exist: otherwise the wait would count as missed load.
  await job.begin("log", () => topicsAreThere(log));
  const ledger = config.ledger === undefined ? undefined : await openLedger(config.ledger);
  try {
    const producing = make({
      signal,
      retry,
      onDelivered: watchDelivered(metrics),
      ...(ledger === undefined ? {} : { ledger }),
    });
    // Clients wait long, and retry by themselves, before they report that a log does not answer.
    health.condition("acknowledgements", () => {
      const { waiting } = producing;
      if (waiting < STALLED) return undefined;
      return `records have waited for their acknowledgement for ${Math.round(waiting / 1_000)} s`;
    });
    watchProducing(producing, metrics);
    const ended = new AbortController();
    const telling = tellWaits(producing, job, ended.signal);
    try {
      const status = await producing.run();
      logger.info("Produced", { ...status });
    } finally {
      ended.abort();
      await telling;
    }
  } finally {
    await ledger?.close();
  }
}

/** Logs waits while the log acknowledges nothing, as clients retry for long by themselves. */
async function tellWaits(
  producing: Producing,
  { clock, logger }: Pick<GeneratorJob, "clock" | "logger">,
  signal: AbortSignal,
): Promise<void> {
  const what = "Waiting until the log acknowledges records";
  let waiting: Waiting | undefined;
  while (!signal.aborted) {
    if (producing.waiting < STALLED) waiting = undefined;
    else {
      waiting ??= new Waiting({ what, logger, clock });
      const { acknowledged, behind } = producing.status();
      waiting.look({ oldest_ms: Math.round(producing.waiting), acknowledged, behind });
    }
    await clock.sleep(POLL_INTERVAL, signal).catch(() => {});
  }
}

/** Adds metrics of the records' outcomes. */
function watchProducing(producing: Producing, metrics: Metrics): void {
  metrics.total("generator_records_total", {
    help: "Records by outcome.",
    labels: { state: ["produced", "acknowledged", "refused", "ambiguous", "abandoned"] },
    collect: (set) => {
      const { produced, acknowledged, refused, ambiguous, abandoned } = producing.status();
      const states = { produced, acknowledged, refused, ambiguous, abandoned };
      for (const [state, count] of Object.entries(states)) {
        set(count, { state: state as keyof typeof states });
      }
    },
  });
  metrics.gauge("generator_behind_records", {
    help: "Records that are due and not sent yet.",
    collect: (gauge) => gauge.set(producing.status().behind ?? 0),
  });
}

/** Adds metrics of acknowledged records. */
function watchDelivered(metrics: Metrics): (batch: DeliveredBatch) => void {
  const bytes = metrics.counter("generator_bytes_total", {
    help: "Bytes of records that the log acknowledged.",
  });
  const took = metrics.histogram("generator_acknowledge_seconds", {
    help: "Time from when the oldest record of a batch was due until the log acknowledged it.",
  });
  return ({ records, acknowledged }) => {
    let sum = 0;
    for (const { value } of records) sum += value?.length ?? 0;
    bytes.add(sum);
    const [oldest] = records;
    if (oldest !== undefined) took.observe(Math.max(0, acknowledged - oldest.scheduled) / 1000);
  };
}

/** The range of the history that a live run follows, if the configuration fixes its end. */
function registration({ historical: { days, end } }: GeneratorConfig) {
  return end === undefined ? {} : { registration: { from: end - days * DAY, to: end } };
}

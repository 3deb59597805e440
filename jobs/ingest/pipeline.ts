/**
 * The commands of the ingest job.
 *
 * @module
 */

import {
  DEAD_LETTER_TOPIC,
  type EventLog,
  hasCode,
  type MasterDataset,
  PipelineError,
  TOPICS,
  type TopicSpec,
} from "@pipeline/core";
import {
  CommitLog,
  COMMITS,
  PARTITION_LABELS,
  STAGING,
  TEMPORARY,
  topicsAreThere,
  watchLag,
} from "@pipeline/protocol";
import { type Job, untilAborted } from "@pipeline/runtime";
import { bootstrap } from "./bootstrap.ts";
import { checkDataset, checkTopics } from "./check.ts";
import type { IngestConfig } from "./config.ts";
import { Ingest } from "./ingest.ts";
import { sweep } from "./sweep.ts";

/** The ports of the ingest job. */
export interface IngestPorts {
  /** The source of records, and the destination of dead letters. */
  readonly log: EventLog;
  /** The destination of records. */
  readonly dataset: MasterDataset;
}

/** The topics as configured. */
function topicSpecs(config: IngestConfig): TopicSpec[] {
  return [
    ...TOPICS.map((topic) => ({ topic, partitions: config.partitions })),
    { topic: DEAD_LETTER_TOPIC, partitions: config.deadLetterPartitions },
  ];
}

/** Creates topics and folders, or checks their shape. A repetition changes nothing. */
export async function setUp({ log, dataset }: IngestPorts, job: Job<IngestConfig>): Promise<void> {
  await job.begin("topics", () => log.ensureTopics(topicSpecs(job.config)));
  for (const folder of [COMMITS, TEMPORARY, STAGING]) {
    await job.begin("folders", () => dataset.mkdirs(folder));
  }
  job.logger.info("Topics and folders exist", { topics: topicSpecs(job.config) });
}

/** Checks topics and dataset. Creates nothing. */
export async function checkUp(
  { log, dataset }: IngestPorts,
  job: Job<IngestConfig>,
): Promise<void> {
  await job.begin("topics", () => topicsAreThere(log));
  const copies = job.config.hdfs?.replication ?? 1;
  await job.begin("topics", () => checkTopics(log, topicSpecs(job.config)));
  await job.begin("dataset", () => checkDataset(dataset, copies));
  job.logger.info("The topics are correct, and the dataset stores files", { copies });
}

/** Commits the staged loads: the named one, or all. */
export async function commitLoads(
  dataset: MasterDataset,
  job: Job<IngestConfig>,
  named: string | undefined,
): Promise<void> {
  const loads = await job.begin("dataset", () => stagedLoads(dataset, named));
  if (loads.length === 0) {
    const before = await job.begin("dataset", () => new CommitLog(dataset).histories());
    if (before.length > 0) return job.logger.info("No load waits; some were committed before");
    throw new PipelineError("not_found", `No complete load waits in ${STAGING}, and none ever did`);
  }
  const gauge = job.metrics.gauge("ingest_step_done_ratio", {
    help: "How much of a step of a load is done, 0 to 1.",
    labels: { step: ["bootstrap"] },
  });
  for (const load of loads) {
    const { commit, added } = await bootstrap(dataset, load, {
      onProgress: (done, total) => {
        gauge.set(done / total, { step: "bootstrap" });
        if (done % 100 === 0 || done === total) job.logger.debug("Files", { load, done, total });
      },
    });
    const { records, files } = commit;
    job.logger.info(added ? "Load committed" : "The load was committed before", {
      load,
      records,
      files: files.length,
    });
  }
}

/** Loads that are completely staged, or already committed. */
async function stagedLoads(
  dataset: MasterDataset,
  named: string | undefined,
): Promise<readonly string[]> {
  if (named !== undefined) return [named];
  const loads: string[] = [];
  for (const { name, type } of await dataset.list(STAGING)) {
    const manifest = `${STAGING}/${name}/_manifest.json`;
    if (type === "directory" && await dataset.status(manifest) !== undefined) loads.push(name);
  }
  return loads;
}

/** Ingests until the signal is aborted. */
export async function runIngest({ log, dataset }: IngestPorts, job: Job<IngestConfig>) {
  const { config, metrics, logger, signal, clock } = job;
  const records = metrics.counter("ingest_records_total", {
    help: "Records committed to the dataset.",
    labels: { topic: TOPICS },
  });
  const deadLetters = metrics.counter("ingest_dead_letters_total", {
    help: "Records that could not be used and went to the dead letters.",
    labels: { topic: TOPICS },
  });
  const commits = metrics.counter("ingest_commits_total", {
    help: "Flushes committed to the dataset.",
    labels: { topic: TOPICS },
  });
  const bytes = metrics.counter("ingest_bytes_total", {
    help: "Bytes of the files that were committed.",
    labels: { topic: TOPICS },
  });
  const flushes = metrics.histogram("ingest_flush_duration_seconds", {
    help: "Time from the first file of a flush until it was committed.",
  });
  const committed = metrics.gauge("ingest_commit_timestamp_seconds", {
    help: "When the partition was committed last, seconds since 1970.",
    labels: PARTITION_LABELS,
  });
  await job.begin("topics", () => topicsAreThere(log));
  const started = job.health.gate("ingest");
  const ingest = await Ingest.start({
    log,
    dataset,
    settings: config,
    retry: job.retry,
    logger,
    onCommit: ({ topic, partition, start, end, ...commit }, took) => {
      records.add(commit.records, { topic });
      deadLetters.add(commit.dead_letters.length, { topic });
      commits.add(1, { topic });
      bytes.add(commit.files.reduce((sum, file) => sum + file.bytes, 0), { topic });
      flushes.observe(took / 1000);
      committed.set(clock.now() / 1000, { topic, partition: String(partition) });
      logger.debug("Committed", { topic, partition, start, end });
      const [offset] = commit.dead_letters;
      if (offset === undefined) return;
      const more = commit.dead_letters.length - 1;
      logger.warn("A record could not be used: see the dead letters", {
        ...{ topic, partition, offset },
        ...more > 0 ? { more } : {},
      });
    },
  });
  started.open();
  logger.info("Ingest runs");
  const ending = new AbortController();
  const lag = watchLag({
    ...job,
    log,
    partitions: config.partitions,
    positions: () => ingest.committed(),
    stopped: () => ingest.stopped(),
    signal: ending.signal,
    stallAfter: config.stallAfter,
  });
  const sweeping = sweepNowAndThen(dataset, job, ingest.token, ending.signal);
  try {
    await Promise.race([ingest.done, untilAborted(signal)]);
    await ingest.stop();
  } finally {
    ending.abort();
    await Promise.all([lag, sweeping]);
  }
}

/**
 * Periodically removes what dead writers left behind; a failure is retried at the next interval.
 */
async function sweepNowAndThen(
  dataset: MasterDataset,
  { config, clock, logger }: Job<IngestConfig>,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const { interval, age } = config.sweep;
  while (!signal.aborted) {
    try {
      const removed = await sweep(dataset, { now: clock.now(), age, keep: [token] });
      if (removed > 0) logger.info("Removed the remains of dead writers", { removed });
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      logger.warn("Sweeping broke off", { error });
    }
    await clock.sleep(interval, signal).catch((error) => {
      if (!hasCode(error, "stopped")) throw error;
    });
  }
}

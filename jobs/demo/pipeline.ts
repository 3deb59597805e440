/**
 * The jobs together in one process.
 *
 * @module
 */

import { type BatchReport, type BatchStep, breakLock } from "@pipeline/batch";
import {
  covers,
  DEFAULT_PARTITIONS,
  distance,
  eachOffset,
  hasCode,
  type OffsetVector,
  offsetVector,
  type ViewName,
  VIEWS,
} from "@pipeline/core";
import { Ingest } from "@pipeline/ingest";
import { foldedVector, readEnds, readFolded, writeOutcome } from "@pipeline/protocol";
import { type Logger, logRetries, type Patient, patient } from "@pipeline/runtime";
import { createApp, loadAssets, type RunningServer, serve, type Stats } from "@pipeline/serving";
import { Speed } from "@pipeline/speed";
import { runBatchThread } from "./batch_thread.ts";
import { ownParts, type Parts, type Place } from "./parts.ts";
import { EMBEDDED, SERVERS, type Settings, topics } from "./settings.ts";

/** Options of the pipeline. */
export interface PipelineOptions {
  /** Location of the ports. */
  readonly place: Place;
  /** Port of the API and the page. */
  readonly port: number;
  /** Logs the jobs' messages. */
  readonly logger: Logger;
  /** Figures for the page. */
  readonly stats: () => Stats | undefined;
}

/** Number of records that each job has processed in this run. */
export interface Taken {
  /** Records committed to the dataset, including dead letters. */
  ingested: number;
  /** Records folded into the newest generation. */
  folded: number;
  /** Documents that speed wrote for them. */
  readonly written: Record<ViewName, number>;
}

/** All running jobs. */
export class Pipeline {
  /** Records processed so far. */
  readonly taken: Taken = {
    ingested: 0,
    folded: 0,
    written: { top_posts: 0, subreddit_activity: 0, user_activity: 0 },
  };
  readonly #o: PipelineOptions;
  /** The impatient ports, for answering requests without waiting. */
  readonly #ports: Parts;
  readonly #patient: Patient<Parts>;
  readonly #ending = new AbortController();
  /** Settings of the jobs. */
  readonly settings: Settings;
  #server!: RunningServer;
  #ingest!: Ingest;
  #speed!: Speed;

  private constructor(options: PipelineOptions, ports: Parts) {
    this.#o = options;
    this.#ports = ports;
    const shown = logRetries(options.logger);
    this.#patient = patient(ports, { ...shown, signal: this.#ending.signal });
    this.settings = options.place.servers === undefined ? EMBEDDED : SERVERS;
  }

  /**
   * Opens the ports and starts ingest, speed and serving.
   *
   * @throws {PipelineError} `invalid` if folder or port are unusable, or in use.
   */
  static async start(options: PipelineOptions): Promise<Pipeline> {
    const pipeline = new Pipeline(options, await ownParts(options.place, options.logger));
    try {
      await pipeline.#start();
    } catch (error) {
      await pipeline.#ports.close();
      throw error;
    }
    return pipeline;
  }

  /** The patient ports, which wait for unavailable servers. */
  get ports(): Patient<Parts> {
    return this.#patient;
  }

  /** URL of the API and the page. */
  get url(): string {
    return `http://localhost:${this.#server.port}`;
  }

  /** Rejects when a job can make no progress. */
  get failed(): Promise<never> {
    const never = new Promise<never>(() => {});
    return Promise.race([
      this.#ingest.done.then(() => never),
      this.#speed.done.then(() => never),
    ]);
  }

  async #start(): Promise<void> {
    const { log, dataset, store } = this.#patient;
    const { port, logger, stats } = this.#o;
    const assets = await loadAssets();
    const ends = () => readEnds(this.#ports.log, DEFAULT_PARTITIONS);
    const app = createApp({ store: this.#ports.store, ends, stats, assets, log: logger });
    this.#server = serve(app, { host: "::", port, log: logger });
    try {
      await log.ensureTopics(topics);
      this.#ingest = await Ingest.start({
        log,
        dataset,
        settings: this.settings.ingest,
        onCommit: (commit) => this.taken.ingested += commit.end - commit.start,
      });
      this.#speed = Speed.start({
        log,
        store,
        settings: this.settings.speed,
        logger: logger.with({ job: "speed" }),
        onFlush: ({ generation, records, documents }) => {
          if (generation !== this.#newest()) return;
          this.taken.folded += records;
          for (const view of VIEWS) this.taken.written[view] += documents[view];
        },
      });
    } catch (error) {
      await this.#server.stop();
      throw error;
    }
  }

  /** The newest folded generation: only one is counted, or records would count twice. */
  #newest(): number {
    return Math.max(...this.#speed.folds.keys());
  }

  /** The end of every partition of the log. */
  ends(): Promise<OffsetVector> {
    return readEnds(this.#patient.log, DEFAULT_PARTITIONS);
  }

  /** Number of records in the log beyond the dataset, and beyond the served views. */
  async lag(): Promise<{ readonly ingest: number; readonly speed: number }> {
    const ends = await this.ends();
    const ours = this.#ingest.committed();
    const committed = offsetVector(
      DEFAULT_PARTITIONS,
      (topic, p) => ours.find((o) => o.topic === topic && o.partition === p)?.offset ?? 0,
    );
    const { store } = this.#patient;
    const current = await store.current();
    const folded = current === undefined
      ? committed
      : foldedVector(await readFolded(store, current), DEFAULT_PARTITIONS);
    return {
      ingest: distance(committed, ends),
      speed: covers(folded, ends) ? 0 : Math.max(1, distance(folded, ends)),
    };
  }

  /** The number of records in the log. */
  async records(): Promise<number> {
    let records = 0;
    for (const { offset } of eachOffset(await this.ends())) records += offset;
    return records;
  }

  /** Builds the next generation and switches to it, on a separate thread. */
  async batch(
    options: {
      readonly signal?: AbortSignal;
      readonly onProgress?: (step: BatchStep, done: number, total: number) => void;
      /** Threads that fold; one by default, which leaves a core to live records. */
      readonly threads?: number;
    } = {},
  ): Promise<BatchReport> {
    const { place, logger } = this.#o;
    // The folder is ours and batches are serialised: any lock is left from a killed run.
    await breakLock(this.#patient.store);
    const { threads = 1, ...watching } = options;
    const report = await runBatchThread(
      { place, settings: this.settings.batch, threads },
      { ...watching, shown: logRetries(logger) },
    );
    const { generation, previous, records, documents, took } = report;
    await writeOutcome(this.#patient.store, "succeeded", { at: Date.now(), generation, took });
    logger.info("Generation switched", { generation, previous, records, documents, took });
    return report;
  }

  /** Waits until all records in the log are in the dataset and in the served views. */
  async drained(timeout: number): Promise<boolean> {
    const deadline = performance.now() + timeout;
    while (performance.now() < deadline) {
      const { ingest, speed } = await this.lag();
      if (ingest === 0 && speed === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  }

  /** Stops the jobs after they have flushed. The ports stay open. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ingest.stop();
    await this.#speed.stop();
    await this.#server.stop();
  }

  /** Closes the ports. */
  async close(): Promise<void> {
    try {
      await this.#ports.close();
    } catch (error) {
      if (!hasCode(error, "stopped")) throw error;
    }
  }
}

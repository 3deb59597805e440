/**
 * The demo: history, a first generation, live records, a second generation, and at the end the
 * proof that the answers are correct. The jobs' own commands do the work.
 *
 * @module
 */

import { batch } from "@pipeline/batch/job";
import {
  distance,
  formatTime,
  hasCode,
  PipelineError,
  type ServingStore,
  VIEWS,
} from "@pipeline/core";
import { parseRate } from "@pipeline/generator";
import { generator } from "@pipeline/generator/job";
import { ingest } from "@pipeline/ingest/job";
import { type Manifest, readLatency, readManifest, readOutcomes } from "@pipeline/protocol";
import {
  errorText,
  type HealthReport,
  type Progress,
  type RunningCommand,
  systemClock,
} from "@pipeline/runtime";
import { serving } from "@pipeline/serving/job";
import { speed } from "@pipeline/speed/job";
import { verifyServed } from "./check.ts";
import type { DemoFlags } from "./config.ts";
import { ledgerPath, noteRun } from "./data_folder.ts";
import { ingestedOf, producedOf, writesOf } from "./figures.ts";
import { checkArchives, count, type LoadedHistory, loadHistory } from "./history.ts";
import { Jobs, logTo, unlessStopped } from "./jobs.ts";
import { readPlace } from "./place.ts";
import { statusLine } from "./status_line.ts";
import { showSteps } from "./steps.ts";
import { differenceLines, runTable } from "./summary.ts";
import { Visibility } from "./visibility.ts";

/** Inputs and outputs of the demo. */
export interface DemoOptions {
  /** The command-line flags. */
  readonly flags: DemoFlags;
  /** The progress display. */
  readonly progress: Progress;
  /** Writes a line of the log, for later inspection. */
  readonly sink: (line: string) => void;
  /** Aborted by Ctrl-C: drain and end. */
  readonly signal: AbortSignal;
}

/** Milliseconds between later generations. */
const LATER_GENERATIONS = 300_000;

/** Share of the shutdown time for draining; the rest is for verification. */
const DRAIN_SHARE = 2 / 3;

/** Milliseconds between two requests to the API that look for visible records. */
const LOOK = 25;

/** Milliseconds between two updates of the status line. */
const STATUS_INTERVAL = 500;

/** Updates over which the rate is measured. */
const RATE_SAMPLES = 10;

/** Runs the demo. Returns whether everything served is proved. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { flags, progress, sink } = options;
  await checkArchives([...flags.posts, ...flags.comments]);
  const place = await readPlace(flags.data, flags.servers);
  const jobs = await Jobs.open({ place, access: "own", sink }).catch((error) => {
    if (!hasCode(error, "conflict")) throw error;
    throw new PipelineError(
      "invalid",
      `${error.message}: end that process, or choose another folder`,
    );
  });
  try {
    const exact = await new Demo(options, jobs).run();
    await jobs.end();
    progress.line(`Everything is in ${flags.data}; the next run resumes from there.`);
    return exact;
  } finally {
    await jobs.close();
  }
}

class Demo {
  readonly #o: DemoOptions;
  readonly #jobs: Jobs;
  readonly #stop = new AbortController();
  /** Ends speed, which writes all that is not in the store yet. */
  readonly #folding = new AbortController();
  #serving!: RunningCommand;
  #ingest!: RunningCommand;
  #speed!: RunningCommand;
  #generator!: RunningCommand;
  #visibility!: Visibility;
  #building = false;

  constructor(options: DemoOptions, jobs: Jobs) {
    this.#o = options;
    this.#jobs = jobs;
    const stop = () => this.#stop.abort();
    if (options.signal.aborted) stop();
    else options.signal.addEventListener("abort", stop, { once: true });
  }

  async run(): Promise<boolean> {
    const { failed } = this.#jobs;
    failed.catch(() => this.#stop.abort());
    try {
      return await Promise.race([this.#story(), failed]);
    } finally {
      this.#folding.abort();
    }
  }

  async #story(): Promise<boolean> {
    const { flags, progress } = this.#o;
    const { run, history_end } = await noteRun(flags.data, Date.now());
    const url = `http://localhost:${flags.port}`;
    const history = await this.#prepare(url, history_end);
    if (history === undefined) return true;

    const started = performance.now();
    this.#visibility = new Visibility({ url, interval: LOOK, warmUp: flags["warm-up"] });
    this.#generator = this.#jobs.start(generator, "realtime", {
      settings: {
        seed: flags.seed,
        historical: { end: formatTime(history_end) },
        realtime: { rate: flags.rate, run },
        ledger: ledgerPath(flags.data),
      },
      ports: { log: this.#visibility.watched(this.#jobs.parts.log) },
      signal: this.#stop.signal,
    });
    this.#generator.done.catch(() => this.#stop.abort());
    const batches = this.#laterBatches();
    await this.#watch(started);
    this.#stop.abort();
    await unlessStopped(this.#generator.done);
    const { produced, behind } = await producedOf(this.#generator);
    const seconds = (performance.now() - started) / 1000;
    progress.clear();
    if (this.#building && !this.#o.signal.aborted) {
      progress.line("Waiting for the generation that is being built ...");
    }
    await batches;
    progress.line("Draining ...");
    const { records, ingested, folded } = await this.#drained(flags.grace * DRAIN_SHARE);
    await this.#visibility.close();
    if (ingested < records || folded < records) {
      progress.line(
        `Not drained: ${records - ingested} records to ingest, ${records - folded} to fold`,
      );
      return false;
    }
    this.#folding.abort();
    await unlessStopped(this.#speed.done);
    progress.line("Verifying: recompute every view from the dataset ...");
    const verified = await verifyServed(this.#jobs, { folder: flags.data, merged: true });
    const figures = {
      ...{ produced, behind, ingested, folded, seconds },
      writes: await writesOf(this.#speed),
      history: history.records,
      latency: this.#visibility.latencies,
    };
    for (const line of runTable(figures, verified)) progress.line(line);
    for (const line of differenceLines(verified)) progress.line(line);
    return verified.exact;
  }

  /** The API, set-up, history and the first generation; `undefined` if it was stopped meanwhile. */
  async #prepare(url: string, end: number): Promise<LoadedHistory | undefined> {
    const { flags: { port, seed, scale, posts, comments }, progress } = this.#o;
    const { signal } = this.#stop;
    const jobs = this.#jobs;
    try {
      this.#serving = jobs.keep(serving, "run", { settings: { port } });
      // Serving looks for a generation as soon as it listens.
      await this.#untilServing(({ checks }) => checks.some(({ name }) => name === "generation"));
      progress.line(`API and page: ${url}`);
      await jobs.start(ingest, "setup", { signal }).done;
      await jobs.start(batch, "setup", { signal }).done;
      this.#ingest = jobs.keep(ingest, "run");
      this.#speed = jobs.keep(speed, "run", { signal: this.#folding.signal });
      const source = { archives: [...posts, ...comments], generated: { seed, scale, end } };
      const history = await loadHistory(source, { jobs, progress, signal });
      const served = await servedManifest(jobs.ports.store);
      const missing = history.loads.some((load) => !served?.history.includes(load));
      // This includes an earlier run that was killed between a load and the batch after it.
      if (served === undefined || missing) await this.#firstBatch();
      else progress.line(`Resume with generation ${served.generation} and the records in the log`);
      return history;
    } catch (error) {
      if (!hasCode(error, "stopped")) throw error;
      return undefined;
    }
  }

  async #firstBatch(): Promise<void> {
    const { progress } = this.#o;
    const { store } = this.#jobs.ports;
    const threads = navigator.hardwareConcurrency;
    const running = await this.#jobs.startBatch({ threads, signal: this.#stop.signal });
    const bar = await showSteps(running, {
      progress,
      job: "batch",
      steps: {
        fold: "Fold the dataset",
        publish: "Publish the views",
        switch: "Switch the generation",
      },
    });
    bar.end();
    const { generation, records } = (await servedManifest(store))!;
    const documents = await Promise.all(VIEWS.map((view) => store.count(generation, view)));
    await this.#untilServing(({ ready }) => ready);
    progress.line(
      `Generation ${generation} serves: ${count(records)} records in ` +
        `${count(documents.reduce((sum, n) => sum + n, 0))} documents`,
    );
  }

  /** Builds generations beside the live records. */
  async #laterBatches(): Promise<void> {
    const { flags, progress, sink, signal } = this.#o;
    const { store } = this.#jobs.ports;
    let wait = Math.min((flags.duration ?? Infinity) / 2, flags["next-generation"]);
    try {
      for (;;) {
        await systemClock.sleep(wait, this.#stop.signal);
        wait = LATER_GENERATIONS;
        if ((await producedOf(this.#generator)).produced === 0) continue;
        this.#building = true;
        const before = (await servedManifest(store))!;
        // A run that is in progress when the time is over completes; Ctrl-C ends it at once. One thread
        // folds, so that live records keep a core.
        const running = await this.#jobs.startBatch({ threads: 1, signal });
        await running.done;
        const { generation, horizon } = (await servedManifest(store))!;
        const { succeeded } = await readOutcomes(store);
        progress.line(
          `Generation ${generation} serves: its horizon moved by ` +
            `${count(distance(before.horizon, horizon))} records, ` +
            `${(succeeded?.took.switch ?? 0).toFixed(0)} ms to switch`,
        );
        this.#building = false;
      }
    } catch (error) {
      this.#building = false;
      if (hasCode(error, "stopped")) return;
      logTo(sink, "demo").error("Batch failed", { error });
      progress.line(`Batch failed, the old generation stays served: ${errorText(error)}`);
    }
  }

  /** Shows the status until the duration is over or the user stops it. */
  async #watch(started: number): Promise<void> {
    const { flags, progress } = this.#o;
    const { signal } = this.#stop;
    const end = flags.duration === undefined ? Infinity : started + flags.duration;
    const { from, to, burst } = parseRate(flags.rate);
    const samples = [{ at: started, produced: 0 }];
    while (performance.now() < end && !signal.aborted) {
      const { produced, behind } = await producedOf(this.#generator);
      const { records, ingested, folded } = await this.#standing();
      const at = performance.now();
      const [first] = samples as [(typeof samples)[number]];
      if (samples.push({ at, produced }) > RATE_SAMPLES) samples.shift();
      progress.status(statusLine({
        produces: Math.max(from, to, burst?.rate ?? 0) > 0,
        produced,
        rate: (produced - first.produced) * 1000 / (at - first.at),
        behind,
        lag: { ingest: records - ingested, speed: records - folded },
        latency: await readLatency(this.#jobs.ports.store, Date.now()),
        building: this.#building,
      }));
      const wait = Math.min(STATUS_INTERVAL, end - performance.now());
      if (wait > 0) await systemClock.sleep(wait, signal).catch(() => {});
    }
  }

  /** Waits until the dataset and the served views hold all records of the log, at most `timeout` ms. */
  async #drained(timeout: number) {
    const deadline = performance.now() + timeout;
    for (;;) {
      const standing = await this.#standing();
      const { records, ingested, folded } = standing;
      const drained = ingested >= records && folded >= records;
      if (drained || performance.now() > deadline) return standing;
      await systemClock.sleep(50);
    }
  }

  /** Number of records in the log, in the dataset and in the served views. */
  async #standing() {
    const ingested = await ingestedOf(this.#ingest, this.#jobs.ports.log);
    // Records that speed has folded may not be visible yet: the API reports the visible ones.
    return { ...ingested, folded: this.#visibility.folded };
  }

  /** Waits until serving's health satisfies a condition. Rejects with `stopped` if the demo ends. */
  async #untilServing(holds: (report: HealthReport) => boolean): Promise<void> {
    while (!holds(this.#serving.health.report())) await systemClock.sleep(10, this.#stop.signal);
  }
}

/** The manifest of the served generation. */
async function servedManifest(store: ServingStore): Promise<Manifest | undefined> {
  const current = await store.current();
  return current === undefined ? undefined : (await readManifest(store, current))?.manifest;
}

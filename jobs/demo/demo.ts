/**
 * The demo: history, a first generation, live records, a second generation, and at the end the
 * proof that the answers are correct.
 *
 * @module
 */

import { type BatchStep, verify, type VerifyReport } from "@pipeline/batch";
import { DAY, hasCode, type ViewName, VIEWS } from "@pipeline/core";
import { readAcknowledged, readManifest } from "@pipeline/protocol";
import { type Logger, type Progress, systemClock } from "@pipeline/runtime";
import type { Stats } from "@pipeline/serving";
import type { DemoFlags } from "./config.ts";
import { ledgerPath, noteRun } from "./data_folder.ts";
import { Live } from "./live.ts";
import { checkArchives, count, type LoadedHistory, loadHistory } from "./load_history.ts";
import { readPlace } from "./parts.ts";
import { Pipeline } from "./pipeline.ts";
import { Rates } from "./rates.ts";
import { statusLine } from "./status_line.ts";
import { differenceLines, runTable } from "./summary.ts";

/** Inputs and outputs of the demo. */
export interface DemoOptions {
  /** The command-line flags. */
  readonly flags: DemoFlags;
  /** The progress display. */
  readonly progress: Progress;
  /** Logs events for later inspection. */
  readonly logger: Logger;
  /** Aborted by Ctrl-C: drain and end. */
  readonly signal: AbortSignal;
}

/** Milliseconds between later generations. */
const LATER_GENERATIONS = 300_000;

/** Share of the shutdown time for draining; the rest is for verification. */
const DRAIN_SHARE = 2 / 3;

/** Users of the generated history, who are also active in the live records. */
const USERS = 5_000;

/** Runs the demo. Returns whether everything served is proved. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const demo = new Demo(options);
  return await demo.run();
}

class Demo {
  readonly #o: DemoOptions;
  readonly #stop = new AbortController();
  readonly #rates = new Rates();
  #pipeline!: Pipeline;
  #live: Live | undefined;
  #building = false;

  constructor(options: DemoOptions) {
    this.#o = options;
    const stop = () => this.#stop.abort();
    if (options.signal.aborted) stop();
    else options.signal.addEventListener("abort", stop, { once: true });
  }

  async run(): Promise<boolean> {
    const { flags, progress, logger } = this.#o;
    await checkArchives([...flags.posts, ...flags.comments]);
    this.#pipeline = await Pipeline.start({
      place: await readPlace(flags.data, flags.servers),
      port: flags.port,
      logger,
      stats: () => this.#stats(),
    });
    try {
      const failed = this.#pipeline.failed;
      failed.catch(() => this.#stop.abort());
      const exact = await Promise.race([this.#story(), failed]);
      await this.#pipeline.stop();
      progress.line(`Everything is in ${flags.data}; the next run goes on from there.`);
      return exact;
    } finally {
      await this.#pipeline.close();
    }
  }

  async #story(): Promise<boolean> {
    const { flags, progress } = this.#o;
    const { run, history_end } = await noteRun(flags.data, Date.now());
    progress.line(`API and page: ${this.#pipeline.url}`);
    const history = await this.#prepare(history_end);
    if (history === undefined) return true;

    const started = performance.now();
    const { seed, rate } = flags;
    const registration = { from: history_end - 7 * DAY, to: history_end };
    this.#live = await Live.start(this.#pipeline, {
      folder: flags.data,
      model: { seed, run, users: USERS, registration },
      rate,
      probeInterval: this.#pipeline.settings.probeInterval,
      warmUp: flags["warm-up"],
      signal: this.#stop.signal,
    });
    this.#live.done.catch(() => this.#stop.abort());
    const batches = this.#laterBatches();
    await this.#watch(started);
    this.#stop.abort();
    const status = await this.#live.done;
    const seconds = (performance.now() - started) / 1000;
    progress.clear();
    if (this.#building && !this.#o.signal.aborted) {
      progress.line("Waiting for the generation that is being built ...");
    }
    await batches;
    progress.line("Draining ...");
    if (!await this.#pipeline.drained(flags.grace * DRAIN_SHARE)) {
      const lag = await this.#pipeline.lag();
      progress.line(`Not drained: ${lag.ingest} records to ingest, ${lag.speed} to fold`);
      return false;
    }
    await systemClock.sleep(100);
    await this.#live.close();
    const verified = await this.#verify();
    const records = await this.#pipeline.records();
    const figures = {
      produced: status.acknowledged,
      behind: status.behind,
      ingested: records,
      folded: records,
      writes: this.#writes(),
      history: history.records,
      latency: this.#live.probe.all,
      seconds,
    };
    for (const line of runTable(figures, verified)) progress.line(line);
    for (const line of differenceLines(verified)) progress.line(line);
    return verified.exact;
  }

  /** History and the first generation; `undefined` if it was stopped meanwhile. */
  async #prepare(historyEnd: number): Promise<LoadedHistory | undefined> {
    const { flags, progress } = this.#o;
    const { seed, scale, posts, comments } = flags;
    const { dataset, store } = this.#pipeline.ports;
    try {
      const history = await loadHistory(
        dataset,
        {
          archives: [...posts, ...comments],
          generated: { seed, scale, end: historyEnd, users: USERS },
        },
        progress,
        this.#stop.signal,
      );
      const current = await store.current();
      const serving = current === undefined ? undefined : await readManifest(store, current);
      const served = serving?.manifest.history ?? [];
      // This includes an earlier run that was killed between a load and the batch after it.
      if (serving === undefined || history.loads.some((load) => !served.includes(load))) {
        await this.#firstBatch();
      } else progress.line(`Resume with generation ${current} and what is in the log`);
      return history;
    } catch (error) {
      if (!hasCode(error, "stopped")) throw error;
      return undefined;
    }
  }

  async #firstBatch(): Promise<void> {
    const { progress } = this.#o;
    const labels: Record<BatchStep, string> = {
      fold: "Fold the dataset",
      publish: "Publish the views",
      switch: "Switch the generation",
    };
    const bars = new Map<BatchStep, ReturnType<Progress["bar"]>>();
    const report = await this.#pipeline.batch({
      signal: this.#stop.signal,
      threads: navigator.hardwareConcurrency,
      onProgress: (step, done, total) => {
        for (const [other, bar] of bars) {
          if (other === step) continue;
          bar.end();
          bars.delete(other);
        }
        if (!bars.has(step)) bars.set(step, progress.bar(labels[step], 1));
        const note = total === 0 ? "" : `${count(done)} of ${count(total)}`;
        bars.get(step)!.update(total === 0 ? 1 : done / total, note);
      },
    });
    for (const bar of bars.values()) bar.end();
    const { generation, manifest, documents } = report;
    progress.line(
      `Generation ${generation} serves: ${count(manifest.records)} records in ` +
        `${count(documents)} documents`,
    );
  }

  /** Builds generations beside the live records. */
  async #laterBatches(): Promise<void> {
    const { flags, progress, logger } = this.#o;
    let wait = Math.min((flags.duration ?? Infinity) / 2, flags["next-generation"]);
    try {
      for (;;) {
        await systemClock.sleep(wait, this.#stop.signal);
        wait = LATER_GENERATIONS;
        if (this.#live!.status().acknowledged === 0) continue;
        this.#building = true;
        // At the end of the duration a generation in progress is finished; on Ctrl-C it is not.
        const report = await this.#pipeline.batch({ signal: this.#o.signal });
        progress.line(
          `Generation ${report.generation} serves: its horizon moved by ` +
            `${count(report.records)} records, ${report.took.switch.toFixed(0)} ms to switch`,
        );
        this.#building = false;
      }
    } catch (error) {
      this.#building = false;
      if (hasCode(error, "stopped")) return;
      logger.error("Batch failed", { error });
      const message = error instanceof Error ? error.message : String(error);
      progress.line(`Batch failed, the old generation goes on serving: ${message}`);
    }
  }

  /** Shows the status until the duration is over or the user stops it. */
  async #watch(started: number): Promise<void> {
    const { flags, progress } = this.#o;
    const end = flags.duration === undefined ? Infinity : started + flags.duration;
    while (performance.now() < end && !this.#stop.signal.aborted) {
      const { acknowledged, behind } = this.#live!.status();
      const { ingested, folded } = this.#pipeline.taken;
      this.#rates.note({ produced: acknowledged, ingested, folded }, performance.now());
      progress.status(statusLine({
        produces: Math.max(flags.rate.from, flags.rate.to, flags.rate.burst?.rate ?? 0) > 0,
        produced: acknowledged,
        rate: this.#rates.of("produced"),
        behind,
        lag: await this.#pipeline.lag(),
        latency: this.#live!.probe.recent(),
        building: this.#building,
      }));
      const wait = Math.min(500, end - performance.now());
      if (wait > 0) await systemClock.sleep(wait, this.#stop.signal).catch(() => {});
    }
  }

  async #verify(): Promise<VerifyReport> {
    const { progress, flags } = this.#o;
    progress.line("Verifying: recompute every view from the dataset ...");
    const ledger = readAcknowledged(ledgerPath(flags.data));
    return await verify({ ...this.#pipeline.ports, merged: true, ledger });
  }

  /** Number of documents that speed wrote per record that it folded. */
  #writes(): Record<ViewName, number> {
    const { written, folded } = this.#pipeline.taken;
    const of = (view: ViewName) => folded === 0 ? 0 : written[view] / folded;
    return Object.fromEntries(VIEWS.map((view) => [view, of(view)])) as Record<ViewName, number>;
  }

  #stats(): Stats | undefined {
    if (this.#live === undefined) return undefined;
    const latency = this.#live.probe.recent();
    return {
      produced_per_second: this.#rates.of("produced"),
      ingested_per_second: this.#rates.of("ingested"),
      folded_per_second: this.#rates.of("folded"),
      ...(latency === undefined ? {} : { latency_ms: latency }),
    };
  }
}

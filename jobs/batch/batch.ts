/**
 * One batch run: from the dataset to the next generation, and the switch to it. A run that fails
 * leaves the old generation serving, and reports the failure.
 *
 * @module
 */

import {
  definitionHash,
  eachOffset,
  type MasterDataset,
  offsetVector,
  RETAIN_ALL,
  type RetainedFrom,
  type ServingStore,
  storeSettings,
} from "@pipeline/core";
import {
  claimGeneration,
  CommitLog,
  type Manifest,
  newToken,
  readManifests,
  removeControls,
  type VersionedManifest,
  writeManifest,
} from "@pipeline/protocol";
import { type Clock, type Logger, systemClock } from "@pipeline/runtime";
import type { BatchSettings } from "./config.ts";
import { type DayTask, foldDay } from "./day.ts";
import { lockBatch } from "./lock.ts";
import { type Plan, plan, plannedRecords } from "./plan.ts";
import { publish } from "./publish.ts";
import { retainedFrom } from "./retention.ts";
import {
  type DayState,
  readState,
  type StateManifest,
  storedGenerations,
  sweepStates,
  writeState,
} from "./state.ts";
import { giveUp, type SwitchOptions, switchTo } from "./switch.ts";

/** Dependencies and settings of a run. */
export interface BatchOptions {
  /** Where records, commits and states are stored. */
  readonly dataset: MasterDataset;
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** How to compute. */
  readonly settings: BatchSettings;
  /** Recompute everything instead of building upon the last state. */
  readonly full?: boolean;
  /** Folds a day; in this thread by default. */
  readonly foldDay?: (task: DayTask) => Promise<DayState>;
  /** The machine's own clock by default. */
  readonly clock?: Clock;
  /** Logs events of interest to an operator. */
  readonly logger?: Logger;
  /** Ends the run; the served generation stays unchanged. */
  readonly signal?: AbortSignal;
  /** Called with the progress of the current step. */
  readonly onProgress?: (step: BatchStep, done: number, total: number) => void;
}

/**
 * The steps of a run that take time. `total` is an estimate for publish, and the lag for switch.
 */
export type BatchStep = "fold" | "publish" | "switch";

/** Report on a run. */
export interface BatchReport {
  /** Counts from 1. */
  readonly generation: number;
  /** The generation that was served before, if any. */
  readonly previous: number | undefined;
  /** The published manifest. */
  readonly manifest: Manifest;
  /** Records read in this run. */
  readonly records: number;
  /** Documents written. */
  readonly documents: number;
  /** Duration of each step in milliseconds. */
  readonly took: Readonly<Record<BatchStep, number>>;
}

/** Runs batch once. Rejects if no new generation could be served. */
export async function runBatch(options: BatchOptions): Promise<BatchReport> {
  const run = new Run(options);
  return await run.run();
}

class Run {
  readonly #o: BatchOptions;
  readonly #clock: Clock;
  readonly #token = newToken();

  constructor(options: BatchOptions) {
    this.#o = options;
    this.#clock = options.clock ?? systemClock;
  }

  async run(): Promise<BatchReport> {
    const { store, settings, signal } = this.#o;
    const { lockLease: lease, lockWait: wait } = settings;
    const { logger } = this.#o;
    const lock = await lockBatch(store, this.#token, {
      ...{ lease, wait, signal, logger },
      clock: this.#clock,
    });
    try {
      await this.#sweep();
      const building = await this.#claim();
      try {
        return await this.#build(building, () => lock.renew());
      } catch (error) {
        await giveUp(building.manifest.generation, "failed", this.#switchOptions());
        throw error;
      }
    } finally {
      // If another run took the lock meanwhile, it keeps it.
      await lock.release().catch(() => {});
    }
  }

  /** Removes generations that earlier runs left unfinished. */
  async #sweep(): Promise<void> {
    const { store } = this.#o;
    const current = await store.current();
    for (const { manifest } of await readManifests(store)) {
      const { generation, state } = manifest;
      const unfinished = state === "building" || state === "failed" || state === "prepared";
      if (!unfinished || generation === current) continue;
      await store.dropGeneration(generation);
      await removeControls(store, generation);
    }
  }

  /** Claims the next generation number: no other run can have it. */
  async #claim(): Promise<VersionedManifest> {
    const { store, dataset, settings } = this.#o;
    const taken = [
      0,
      ...await store.generations(),
      ...(await readManifests(store)).map((m) => m.manifest.generation),
      ...await storedGenerations(dataset),
    ];
    const manifest: Manifest = {
      generation: await claimGeneration(store, Math.max(...taken)),
      state: "building",
      horizon: offsetVector(settings.partitions, () => 0),
      history: [],
      definition: definitionHash(settings.views),
      settings: settings.views,
      retained_from: RETAIN_ALL,
      keep: settings.keep,
      records: 0,
      unresolved: 0,
      updated: this.#clock.now(),
    };
    return await writeManifest(store, manifest, 0);
  }

  async #build(
    building: VersionedManifest,
    renew: () => Promise<void>,
  ): Promise<BatchReport> {
    const { dataset, store, settings, logger } = this.#o;
    const generation = building.manifest.generation;
    const base = this.#o.full === true ? undefined : await this.#base();
    const readAt = this.#clock.now();
    const planned = await plan(dataset, settings.partitions, base === undefined ? {} : { base });
    const records = plannedRecords(planned);
    logger?.info("Batch planned", {
      generation,
      records,
      days: planned.days.size,
      base: base?.generation,
      horizon: planned.horizon,
    });
    const started = this.#clock.monotonic();
    const days = await this.#foldDays(generation, planned, base, renew);
    const state: StateManifest = {
      generation,
      horizon: planned.horizon,
      last: planned.last,
      history: planned.history,
      definition: building.manifest.definition,
      settings: storeSettings(settings.views),
      days,
    };
    await writeState(dataset, state);
    const folded = this.#clock.monotonic();

    const retained = retainedFrom(days, settings.retention, await this.#retainedBefore());
    const { documents, unresolved } = await publish({
      dataset,
      store,
      generation,
      days,
      settings: settings.views,
      retained,
      keep: settings.keep,
      onWritten: (written, estimate) => this.#o.onProgress?.("publish", written, estimate),
      renew,
    });
    const published = this.#clock.monotonic();

    const prepared = await writeManifest(store, {
      ...building.manifest,
      state: "prepared",
      horizon: planned.horizon,
      last: planned.last,
      history: planned.history,
      retained_from: retained,
      records: days.reduce((sum, day) => sum + day.records, 0),
      unresolved,
      planned: readAt,
      updated: this.#clock.now(),
    }, building.version);
    const previous = await switchTo(prepared, { ...this.#switchOptions(), onWait: renew });
    const switched = this.#clock.monotonic();
    await this.#tidy(prepared.manifest, previous);
    logger?.info("Generation switched", { generation, previous, documents });
    return {
      generation,
      previous,
      manifest: { ...prepared.manifest, state: "live" },
      records,
      documents,
      took: { fold: folded - started, publish: published - folded, switch: switched - published },
    };
  }

  /** Optional clean-up: the next run repeats it. */
  async #tidy({ generation, horizon }: Manifest, previous: number | undefined): Promise<void> {
    const { dataset, logger } = this.#o;
    const commits = new CommitLog(dataset);
    try {
      await sweepStates(dataset, [generation, previous ?? generation]);
      for (const { topic, partition, offset } of eachOffset(horizon)) {
        await commits.checkpoint(topic, partition, offset);
      }
    } catch (error) {
      logger?.warn("The clean-up after the switch failed", { generation, error });
    }
  }

  /** The last stored state of the same definitions and number of partitions. */
  async #base(): Promise<StateManifest | undefined> {
    const { dataset, settings } = this.#o;
    for (const generation of (await storedGenerations(dataset)).reverse()) {
      const state = await readState(dataset, generation);
      const usable = state.definition === definitionHash(settings.views) &&
        state.horizon["reddit.posts"].length === settings.partitions;
      if (usable) return state;
    }
    return undefined;
  }

  async #foldDays(
    generation: number,
    planned: Plan,
    base: StateManifest | undefined,
    renew: () => Promise<void>,
  ): Promise<DayState[]> {
    const { dataset, settings, onProgress } = this.#o;
    const fold = this.#o.foldDay ??
      ((task: DayTask) => foldDay(dataset, task));
    const days = new Map(base?.days.map((day) => [day.day, day]));
    const folder = `${String(generation).padStart(6, "0")}-${this.#token.slice(0, 8)}`;
    const total = plannedRecords(planned);
    let done = 0;
    onProgress?.("fold", 0, total);
    // The largest days first, so that workers finish at about the same time.
    const tasks = [...planned.days].map(([day, files]) => ({
      records: files.reduce((sum, { file }) => sum + file.records, 0),
      task: { day, files, folder, settings: settings.views, ...baseOf(days.get(day)) },
    })).sort((a, b) => b.records - a.records);
    const finish = async (work: (typeof tasks)[number]) => {
      days.set(work.task.day, await fold(work.task));
      onProgress?.("fold", done += work.records, total);
      await renew();
    };
    // A pool takes all days at once and keeps its workers busy; one thread holds one day at a time.
    if (this.#o.foldDay !== undefined) await Promise.all(tasks.map(finish));
    else for (const work of tasks) await finish(work);
    return [...days.values()].sort((a, b) => a.day - b.day);
  }

  /** A retired window never comes back. */
  async #retainedBefore(): Promise<RetainedFrom | undefined> {
    const { store } = this.#o;
    const current = await store.current();
    const manifests = await readManifests(store);
    return manifests.find((m) => m.manifest.generation === current)?.manifest.retained_from;
  }

  #switchOptions(): SwitchOptions {
    const { store, settings, signal, logger, onProgress } = this.#o;
    return {
      store,
      clock: this.#clock,
      catchUpTimeout: settings.catchUpTimeout,
      pollInterval: settings.pollInterval,
      ...(logger === undefined ? {} : { logger }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined
        ? {}
        : { onLag: (records: number) => onProgress("switch", 0, records) }),
    };
  }
}

function baseOf(day: DayState | undefined): { base?: DayState } {
  return day === undefined ? {} : { base: day };
}

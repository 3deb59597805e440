/**
 * One batch run: the dataset into the next generation, and the switch to it. A run
 * that does not finish leaves the old generation serving, and says so.
 *
 * @module
 */

import {
  definitionHash,
  documentId,
  eachOffset,
  type MasterDataset,
  offsetVector,
  PipelineError,
  type RetainedFrom,
  type ServingStore,
  type StoredDocument,
  type ViewName,
  viewOf,
  VIEWS,
  type ViewSettings,
  WINDOW_NAMES,
  type WindowName,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import {
  claimGeneration,
  CommitLog,
  type Manifest,
  newToken,
  readManifest,
  readManifests,
  removeControls,
  type VersionedManifest,
  writeManifest,
} from "@pipeline/protocol";
import { type Clock, type Logger, retry, type RetryOptions, systemClock } from "@pipeline/runtime";
import { compose, type DaySource } from "./compose.ts";
import { type DayTask, foldDay } from "./day.ts";
import { lockBatch } from "./lock.ts";
import { type Plan, plan, plannedRecords } from "./plan.ts";
import {
  type DayState,
  readAnnouncements,
  readSection,
  readState,
  type StateManifest,
  storedGenerations,
  sweepStates,
  writeState,
} from "./state.ts";
import { setState, type SwitchOptions, switchTo } from "./switch.ts";

/** How batch computes. */
export interface BatchSettings {
  readonly views: ViewSettings;
  /** Partitions of each topic. */
  readonly partitions: number;
  /** Most posts that are published a subreddit. */
  readonly keep: number;
  /** Milliseconds that windows of each size are kept, back from the latest event; 0 for ever. */
  readonly retention: Readonly<Record<WindowName, number>>;
  /** Milliseconds after which a generation that speed does not catch up with has failed. */
  readonly catch_up_timeout: number;
  /** Milliseconds between two looks at how far speed is. */
  readonly poll_interval: number;
  /** Milliseconds that the lock lasts without being renewed. */
  readonly lock_lease: number;
}

/** What a run works with. */
export interface BatchOptions {
  readonly dataset: MasterDataset;
  readonly store: ServingStore;
  readonly settings: BatchSettings;
  /** Compute everything anew instead of building upon the last state. */
  readonly full?: boolean;
  /** Folds a day; in this thread where not given. */
  readonly foldDay?: (task: DayTask) => Promise<DayState>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly retry?: RetryOptions;
  readonly signal?: AbortSignal;
  /** Called as the run goes on: the step, and what of it is done. */
  readonly onProgress?: (step: BatchStep, done: number, total: number) => void;
}

/** The steps of a run that take time. `total` of publish is an estimate, of switch the lag. */
export type BatchStep = "fold" | "publish" | "switch";

/** What a run did. */
export interface BatchReport {
  readonly generation: number;
  readonly previous: number | undefined;
  readonly manifest: Manifest;
  /** Records read in this run. */
  readonly records: number;
  readonly documents: number;
  /** Milliseconds each step took. */
  readonly took: Readonly<Record<BatchStep, number>>;
}

/** Documents in one write. */
const CHUNK = 1_000;

/** Runs batch once. Rejects where no new generation could be made to serve. */
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
    const { store, settings } = this.#o;
    const lock = await this.#again(() =>
      lockBatch(store, this.#token, settings.lock_lease, this.#clock)
    );
    try {
      await this.#sweep();
      const building = await this.#claim();
      try {
        return await this.#build(building, () => this.#again(() => lock.renew()));
      } catch (error) {
        await giveUp(building.manifest.generation, "failed", this.#switchOptions());
        throw error;
      }
    } finally {
      // Whoever took the lock meanwhile keeps it.
      await lock.release().catch(() => {});
    }
  }

  /** Removes generations that earlier runs left unfinished. */
  async #sweep(): Promise<void> {
    const { store } = this.#o;
    const current = await this.#again(() => store.current());
    for (const { manifest } of await this.#again(() => readManifests(store))) {
      const { generation, state } = manifest;
      const unfinished = state === "building" || state === "failed" || state === "prepared";
      if (!unfinished || generation === current) continue;
      await this.#again(() => store.dropGeneration(generation));
      await this.#again(() => removeControls(store, generation));
    }
  }

  /** Takes the next generation number: nobody else can have it. */
  async #claim(): Promise<VersionedManifest> {
    const { store, dataset, settings } = this.#o;
    const taken = [
      0,
      ...await this.#again(() => store.generations()),
      ...(await this.#again(() => readManifests(store))).map((m) => m.manifest.generation),
      ...await this.#again(() => storedGenerations(dataset)),
    ];
    const manifest: Manifest = {
      generation: await this.#again(() => claimGeneration(store, Math.max(...taken))),
      state: "building",
      horizon: offsetVector(settings.partitions, () => 0),
      history: [],
      definition: definitionHash(settings.views),
      settings: settings.views,
      retained_from: { "1m": 0, "1h": 0, "1d": 0 },
      keep: settings.keep,
      records: 0,
      unresolved: 0,
      updated: this.#clock.now(),
    };
    return await this.#again(() => writeManifest(store, manifest, 0));
  }

  async #build(
    building: VersionedManifest,
    renew: () => Promise<void>,
  ): Promise<BatchReport> {
    const { dataset, store, settings, logger } = this.#o;
    const generation = building.manifest.generation;
    const base = this.#o.full === true ? undefined : await this.#base();
    const planned = await this.#again(() =>
      plan(dataset, settings.partitions, base === undefined ? {} : { base })
    );
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
      history: planned.history,
      definition: building.manifest.definition,
      settings: settings.views,
      days,
    };
    await this.#again(() => writeState(dataset, state));
    const folded = this.#clock.monotonic();

    const retained = retainedFrom(days, settings.retention, await this.#retainedBefore());
    const { documents, unresolved } = await this.#publish(generation, days, retained, renew);
    const published = this.#clock.monotonic();

    const prepared = await this.#again(() =>
      writeManifest(store, {
        ...building.manifest,
        state: "prepared",
        horizon: planned.horizon,
        history: planned.history,
        retained_from: retained,
        records: days.reduce((sum, day) => sum + day.records, 0),
        unresolved,
        updated: this.#clock.now(),
      }, building.version)
    );
    const previous = await switchTo(prepared, { ...this.#switchOptions(), onWait: renew });
    await this.#tidy(prepared.manifest, previous);
    const switched = this.#clock.monotonic();
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

  /** What can be left undone: the next run does it again. */
  async #tidy({ generation, horizon }: Manifest, previous: number | undefined): Promise<void> {
    const { dataset, logger } = this.#o;
    const commits = new CommitLog(dataset);
    try {
      await this.#again(() => sweepStates(dataset, [generation, previous ?? generation]));
      for (const { topic, partition, offset } of eachOffset(horizon)) {
        await this.#again(() => commits.checkpoint(topic, partition, offset));
      }
    } catch (error) {
      logger?.warn("Tidying up after the switch broke off", { generation, error });
    }
  }

  /** The last stored state of the same definitions and number of partitions. */
  async #base(): Promise<StateManifest | undefined> {
    const { dataset, settings } = this.#o;
    for (const generation of (await this.#again(() => storedGenerations(dataset))).reverse()) {
      const state = await this.#again(() => readState(dataset, generation));
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
      ((task: DayTask) => foldDay(dataset, task, this.#retryOptions()));
    const days = new Map(base?.days.map((day) => [day.day, day]));
    const folder = `${String(generation).padStart(6, "0")}-${this.#token.slice(0, 8)}`;
    const total = plannedRecords(planned);
    let done = 0;
    onProgress?.("fold", 0, total);
    // The largest days first, so that workers end together.
    const tasks = [...planned.days].map(([day, files]) => ({
      records: files.reduce((sum, { file }) => sum + file.records, 0),
      task: { day, files, folder, settings: settings.views, ...baseOf(days.get(day)) },
    })).sort((a, b) => b.records - a.records);
    const finish = async (work: (typeof tasks)[number]) => {
      days.set(work.task.day, await fold(work.task));
      onProgress?.("fold", done += work.records, total);
      await renew();
    };
    // A pool takes all at once and keeps its workers busy; one thread holds one day at a time.
    if (this.#o.foldDay !== undefined) await Promise.all(tasks.map(finish));
    else for (const work of tasks) await finish(work);
    return [...days.values()].sort((a, b) => a.day - b.day);
  }

  /** A window that was given up once is never taken up again. */
  async #retainedBefore(): Promise<RetainedFrom | undefined> {
    const { store } = this.#o;
    const current = await this.#again(() => store.current());
    const manifests = await this.#again(() => readManifests(store));
    return manifests.find((m) => m.manifest.generation === current)?.manifest.retained_from;
  }

  async #publish(
    generation: number,
    days: readonly DayState[],
    retained: RetainedFrom,
    renew: () => Promise<void>,
  ): Promise<{ documents: number; unresolved: number }> {
    const { dataset, store, settings, onProgress } = this.#o;
    await this.#again(() => store.createGeneration(generation));
    const sources = days.map((day): DaySource => ({
      day: day.day,
      unresolved: () => Promise.resolve(day.unresolved),
      read: (section) => this.#again(() => readSection(dataset, day, section)),
      announcements: () => this.#again(() => readAnnouncements(dataset, day)),
    }));
    const { keep, views } = settings;
    const composed = await compose(sources, { settings: views, retained, keep });
    const estimate = days.reduce(
      (sum, { sections: s }) => sum + s.posts.records + s.users.records + s.windows.records,
      0,
    );
    let written = 0;
    let pending = 0;
    const pages: Record<ViewName, StoredDocument[]> = {
      top_posts: [],
      subreddit_activity: [],
      user_activity: [],
    };
    const write = async (view: ViewName) => {
      const documents = pages[view];
      pages[view] = [];
      if (documents.length === 0) return;
      await this.#again(() => store.write(generation, view, documents));
      written += documents.length;
      pending += documents.length;
      onProgress?.("publish", written, Math.max(estimate, written));
      if (pending < 50 * CHUNK) return;
      pending = 0;
      await renew();
    };
    for await (const documents of composed.documents()) {
      for (const body of documents) {
        const view = viewOf(body);
        pages[view].push({ id: documentId(body), version: 1, body });
        if (pages[view].length >= CHUNK) await write(view);
      }
    }
    for (const view of VIEWS) await write(view);
    await this.#again(() => store.seal(generation));
    return { documents: written, unresolved: composed.unresolved };
  }

  #switchOptions(): SwitchOptions {
    const { store, settings, signal, onProgress } = this.#o;
    return {
      store,
      clock: this.#clock,
      catchUpTimeout: settings.catch_up_timeout,
      pollInterval: settings.poll_interval,
      retry: this.#o.retry ?? {},
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined
        ? {}
        : { onLag: (records: number) => onProgress("switch", 0, records) }),
    };
  }

  #retryOptions(): RetryOptions {
    const { signal } = this.#o;
    return { ...this.#o.retry, ...(signal === undefined ? {} : { signal }) };
  }

  #again<T>(fn: () => Promise<T>): Promise<T> {
    return retry(fn, this.#retryOptions());
  }
}

function baseOf(day: DayState | undefined): { base?: DayState } {
  return day === undefined ? {} : { base: day };
}

/** The first window of each size that is kept, given the latest event and what was kept before. */
export function retainedFrom(
  days: readonly Pick<DayState, "latest">[],
  retention: BatchSettings["retention"],
  before: RetainedFrom = { "1m": 0, "1h": 0, "1d": 0 },
): RetainedFrom {
  const latest = days.reduce((max, day) => Math.max(max, day.latest), -1);
  const from = {} as Record<WindowName, number>;
  let larger = 0;
  for (const name of [...WINDOW_NAMES].reverse()) {
    const kept = retention[name];
    const start = kept === 0 || latest < kept ? 0 : windowStart(latest - kept, WINDOWS[name]);
    larger = from[name] = Math.max(start, before[name], larger);
  }
  return from;
}

/**
 * Makes an earlier generation serve again: speed folds it up to now, then the aliases
 * move. Rejects with `not_found` where it was dropped. Where it does not finish, it can be
 * done again.
 */
export async function rollBack(
  generation: number,
  options: Pick<BatchOptions, "store" | "settings" | "clock" | "retry" | "signal">,
): Promise<void> {
  const { store, settings, signal } = options;
  const clock = options.clock ?? systemClock;
  const token = newToken();
  const stop = signal === undefined ? {} : { signal };
  const again = <T>(fn: () => Promise<T>) => retry(fn, { ...options.retry, ...stop });
  const lock = await again(() => lockBatch(store, token, settings.lock_lease, clock));
  const switching = { store, clock, retry: options.retry ?? {}, ...stop };
  try {
    const kept = await again(() => readManifest(store, generation));
    // Prepared: by a rollback that did not finish. Live: by a switch of which only that is missing.
    const whole = kept !== undefined && kept.manifest.state !== "building" &&
      kept.manifest.state !== "failed";
    if (!whole) {
      throw new PipelineError("not_found", `Generation ${generation} is not kept: it cannot serve`);
    }
    const prepared = { ...kept.manifest, state: "prepared" as const, updated: clock.now() };
    try {
      await switchTo(await again(() => writeManifest(store, prepared, kept.version)), {
        ...switching,
        catchUpTimeout: settings.catch_up_timeout,
        pollInterval: settings.poll_interval,
        onWait: () => again(() => lock.renew()),
        back: true,
      });
    } catch (error) {
      await giveUp(generation, "previous", switching);
      throw error;
    }
  } finally {
    await lock.release().catch(() => {});
  }
}

/** Says what became of a generation that did not come to serve; what failed says more. */
async function giveUp(
  generation: number,
  state: Manifest["state"],
  options: Pick<SwitchOptions, "store" | "clock" | "retry" | "signal">,
): Promise<void> {
  try {
    // Where only what follows the switch failed, it does serve.
    if (await options.store.current() !== generation) await setState(generation, state, options);
  } catch {
    // The next run finds it as it is.
  }
}

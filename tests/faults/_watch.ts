/**
 * Watches how far the pipeline is, and says when it has recovered from a fault.
 *
 * @module
 */

import { distance, type MasterDataset, type OffsetVector, offsetVector } from "@pipeline/core";
import { CommitLog, foldedVector, readEnds, readFolded } from "@pipeline/protocol";
import { pause } from "../support/demo.ts";
import { FLUSH_AGE, PARTITIONS } from "./_configs.ts";
import type { Stage } from "./_stage.ts";

/** Milliseconds that a part of the pipeline may take to say how far it is. */
const ANSWER = 5_000;

/**
 * Milliseconds to wait at most on a slow machine: what is proved is that it comes, not when. Two such waits in a
 * row stay below the ten minutes after which a test without progress is ended.
 */
const LONGEST = 280_000;

/** Milliseconds between two looks. */
const INTERVAL = 1_000;

/**
 * Milliseconds for which an answer of the dataset is taken for good: it costs some thirty calls, and
 * asked with each look it would be half of what HDFS has to do.
 */
const COMMITTED_AGE = 5_000;

/** Milliseconds that all must be well until it counts. */
const QUIET = 4_000;

/** Milliseconds after a fault before which nothing has recovered: a fault takes time to show. */
const SOONEST = 8_000;

/** Seconds of the load that must have been acknowledged meanwhile. */
const FLOW = 3;

/** Seconds of the load that each layer may be behind the log while all is well. */
const MOST_BEHIND = {
  speed: 10,
  ingest: FLUSH_AGE + 10 + COMMITTED_AGE / 1_000,
  generator: 3,
};

/** How far everything is at one moment; `undefined` where there was no answer. */
export interface Progress {
  /** When it was asked, by `performance.now()`. */
  readonly at: number;
  /** The first offsets that the log does not have. */
  readonly ends: OffsetVector | undefined;
  /** The same of the dataset. */
  readonly committed: OffsetVector | undefined;
  /** The same of speed, in the generation that is served. */
  readonly folded: OffsetVector | undefined;
  /** Records that are due and not sent. */
  readonly behind: number | undefined;
  /** What jobs say against their readiness or liveness. */
  readonly objections: readonly string[];
}

/** What {@linkcode Watch.recovered} takes. */
export interface RecoveryOptions {
  /** From when to count, by `performance.now()`. */
  readonly since: number;
  /** Longest time to wait, milliseconds. */
  readonly timeout?: number;
  /** Processes by name that need not be ready: they are what is broken. */
  readonly except?: readonly string[];
}

/** Looks at one stage. */
export class Watch {
  readonly #stage: Stage;
  readonly #pending = new Map<string, Promise<unknown>>();
  #committed: { readonly at: number; readonly vector: OffsetVector } | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** How far everything is. */
  async progress(): Promise<Progress> {
    const { log, dataset, store } = this.#stage;
    const at = performance.now();
    const generator = this.#stage.job("generator");
    const running = this.#stage.processes.filter(({ wanted }) => wanted);
    const [ends, committed, folded, behind, ...objections] = await Promise.all([
      this.#ask("ends", () => readEnds(log, PARTITIONS)),
      this.#committedOf(dataset),
      this.#ask("folded", async () => {
        const generation = await store.current();
        if (generation === undefined) return undefined;
        return foldedVector(await readFolded(store, generation), PARTITIONS);
      }),
      generator.wanted ? generator.metric("generator_behind_records") : 0,
      ...running.flatMap((job) => [job.objection("/readyz"), job.objection("/healthz")]),
    ]);
    const spoken = [...new Set(objections.filter((objection) => objection !== undefined))];
    return { at, ends, committed, folded, behind, objections: spoken };
  }

  /**
   * Waits until the pipeline is ready, and no further behind the log than usual, and has been so
   * for some seconds in which records flowed.
   *
   * @returns milliseconds until it was so; 0 where it was never seen otherwise.
   */
  async recovered(options: RecoveryOptions): Promise<number> {
    const { since, timeout = LONGEST, except = [] } = options;
    let first: number | undefined;
    let good: number | undefined;
    let wasBad = false;
    let why: readonly string[] = [];
    while (performance.now() < since + timeout) {
      const progress = await this.progress();
      const now = performance.now();
      const end = progress.ends && total(progress.ends);
      first ??= end;
      why = faultsOf(progress, this.#stage.rate).filter((fault) =>
        !except.some((name) => fault.startsWith(name))
      );
      if (why.length > 0) {
        wasBad = true;
        good = undefined;
      } else good ??= progress.at;
      const flows = end !== undefined && end - first! >= FLOW * this.#stage.rate;
      if (good !== undefined && now - good >= QUIET && now - since >= SOONEST && flows) {
        return wasBad ? good - since : 0;
      }
      await pause(INTERVAL);
    }
    throw new Error(
      `Not recovered after ${timeout / 1000} s: ${why.join("; ") || "nothing flows"}`,
    );
  }

  /** Waits until everything in the log is committed and folded; nobody may produce meanwhile. */
  async drained(timeout = LONGEST): Promise<void> {
    const deadline = performance.now() + timeout;
    let left = "";
    while (performance.now() < deadline) {
      const { ends, committed, folded, objections } = await this.progress();
      if (ends !== undefined && committed !== undefined && folded !== undefined) {
        const uncommitted = distance(committed, ends);
        const unfolded = distance(folded, ends);
        if (uncommitted === 0 && unfolded === 0 && objections.length === 0) return;
        left = `${uncommitted} not committed, ${unfolded} not folded; ${objections.join("; ")}`;
      } else left = "a server does not answer";
      await pause(INTERVAL);
    }
    throw new Error(`Not drained after ${timeout / 1000} s: ${left}`);
  }

  /** What is committed, or was some seconds ago. */
  async #committedOf(dataset: MasterDataset): Promise<OffsetVector | undefined> {
    const at = performance.now();
    const last = this.#committed;
    if (last !== undefined && at - last.at < COMMITTED_AGE) return last.vector;
    const vector = await this.#ask("committed", () => committedOf(new CommitLog(dataset)));
    this.#committed = vector && { at, vector };
    return vector;
  }

  /** An answer in time, else `undefined`; nothing is asked again while it is being answered. */
  async #ask<T>(what: string, question: () => Promise<T>): Promise<T | undefined> {
    if (this.#pending.has(what)) return undefined;
    const asked = question().catch(() => undefined).finally(() => this.#pending.delete(what));
    this.#pending.set(what, asked);
    let timer: number | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ANSWER);
    });
    return await Promise.race([asked, late]).finally(() => clearTimeout(timer));
  }
}

/** What is not as it is when all is well, at a load of so many records a second. */
function faultsOf(progress: Progress, rate: number): string[] {
  const { ends, committed, folded, behind, objections } = progress;
  const faults = [...objections];
  if (ends === undefined) faults.push("the log does not answer");
  if (committed === undefined) faults.push("the dataset does not answer");
  if (folded === undefined) faults.push("the store does not answer");
  const lag = (what: string, records: number, seconds: number) => {
    if (records > seconds * rate) faults.push(`${what} is ${records} records behind`);
  };
  if (ends !== undefined && committed !== undefined) {
    lag("ingest", distance(committed, ends), MOST_BEHIND.ingest);
  }
  if (ends !== undefined && folded !== undefined) {
    lag("speed", distance(folded, ends), MOST_BEHIND.speed);
  }
  if (behind === undefined) faults.push("the generator does not answer");
  else lag("the generator", behind, MOST_BEHIND.generator);
  return faults;
}

/** Sum of a vector's offsets. */
export function total(vector: OffsetVector): number {
  return Object.values(vector).flat().reduce((sum, offset) => sum + offset, 0);
}

async function committedOf(commits: CommitLog): Promise<OffsetVector> {
  const ends = new Map<string, number>();
  for (const { topic, partition } of await commits.partitions()) {
    ends.set(`${topic}-${partition}`, (await commits.last(topic, partition))?.end ?? 0);
  }
  return offsetVector(PARTITIONS, (topic, partition) => ends.get(`${topic}-${partition}`) ?? 0);
}

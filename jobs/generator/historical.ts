/**
 * Generated history: the model over a range of days, with a daily rhythm, as a load
 * in the dataset's staging.
 *
 * @module
 */

import { canonicalJson, DAY, type Entity, type MasterDataset } from "@pipeline/core";
import { stopped } from "@pipeline/runtime";
import { createHash } from "node:crypto";
import { Model } from "./model/model.ts";
import { Random } from "./model/random.ts";
import { type LoadManifest, readManifest, type StagingLimits, StagingWriter } from "./staging.ts";

/** Parameters of a history. Equal values give the same load, byte for byte. */
export interface HistoryOptions {
  /** A safe integer. */
  readonly seed: number;
  /** The end, exclusive, milliseconds since 1970. */
  readonly end: number;
  /** Days before the end; 7 by default. */
  readonly days?: number;
  /** 1 (the default) makes 50,000 records a day beside the users' announcements. */
  readonly scale?: number;
  /** Number of subreddits; 200 by default. */
  readonly subreddits?: number;
  /** Number of users, who register over the whole range; 5,000 by default. */
  readonly users?: number;
  /** Comments that leave out their subreddit, per mille; 0 by default. */
  readonly unknownSubreddit?: number;
}

/** Progress of a long task. */
export interface Progress {
  /** Amount done so far. */
  readonly done: number;
  /** Total amount. */
  readonly total: number;
}

/** Options of a generation. */
export interface HistoryRun extends StagingLimits {
  /** Progress in records. Called about a hundred times. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the work with `stopped`; the next call starts over. */
  readonly signal?: AbortSignal;
}

/** Raised whenever equal options would give other bytes. */
const FORMAT = 1;

const RECORDS_A_DAY = 50_000;
const HOUR = 3_600_000;

/** Activity by hour of the day (UTC), in percent of the mean; most people are in America. */
const RHYTHM = [
  ...[108, 112, 110, 104, 95, 84, 73, 64, 58, 55, 58, 66],
  ...[78, 92, 105, 116, 124, 130, 134, 136, 134, 129, 122, 113],
];

/** The load's name: derived from everything that determines its bytes. */
export function historyLoadId(options: HistoryOptions): string {
  const identity = canonicalJson({ format: FORMAT, ...parameters(options) });
  return `history-${createHash("sha256").update(identity).digest("hex").slice(0, 16)}`;
}

/** Number of records that the options give. */
export function historySize(options: HistoryOptions): number {
  const { users } = parameters(options);
  let size = users;
  for (const { count } of hours(options)) size += count;
  return size;
}

/** The history's records in the order of their timestamps. They depend on the options only. */
export function* history(options: HistoryOptions): Generator<Entity, void, undefined> {
  const { seed, subreddits, users, unknownSubreddit, from, end } = parameters(options);
  const registration = { from, to: end };
  const model = new Model({ seed, subreddits, users, unknownSubreddit, registration });
  const random = new Random(seed, "times");
  let registered = 0;
  for (const { start, length, count } of hours(options)) {
    for (let i = 0; i < count; i++) {
      // One in each of `count` equal slices: sorted by construction, yet irregular.
      const time = start + Math.floor((i + random.float()) * length / count);
      while (registered < users && model.population.registered(registered) <= time) {
        yield model.population.fact(registered, model.population.registered(registered++));
      }
      yield model.next(time);
    }
  }
  for (; registered < users; registered++) {
    yield model.population.fact(registered, model.population.registered(registered));
  }
}

/**
 * Writes the history into `/staging/<load>/` and returns its manifest. If the load is already
 * complete there, its manifest is returned and nothing is generated.
 */
export async function generateHistory(
  dataset: MasterDataset,
  options: HistoryOptions,
  run: HistoryRun = {},
): Promise<LoadManifest> {
  const load = historyLoadId(options);
  const total = historySize(options);
  const complete = await readManifest(dataset, load);
  if (complete !== undefined) {
    run.onProgress?.({ done: total, total });
    return complete;
  }
  const writer = await StagingWriter.open(dataset, load, run);
  const step = Math.max(1, Math.ceil(total / 100));
  let hour = -Infinity;
  for (const record of history(options)) {
    const wait = writer.add(record);
    if (wait !== undefined) await wait;
    if (record.timestamp >= hour + HOUR) {
      if (run.signal?.aborted) throw stopped(run.signal);
      await writer.flushBefore(record.timestamp);
      hour = record.timestamp - record.timestamp % HOUR;
    }
    if (writer.records % step === 0) run.onProgress?.({ done: writer.records, total });
  }
  const manifest = await writer.finish({ generator: "history", ...parameters(options) });
  run.onProgress?.({ done: total, total });
  return manifest;
}

interface Hour {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/** The range split at full hours, each with its number of records. */
function* hours(options: HistoryOptions): Generator<Hour> {
  const { from, end, scale } = parameters(options);
  const average = RHYTHM.reduce((sum, weight) => sum + weight) / 24;
  let due = 0;
  for (let start = from; start < end;) {
    const length = Math.min(end, start - start % HOUR + HOUR) - start;
    const weight = RHYTHM[Math.floor(start % DAY / HOUR)]! / average;
    const before = whole(due);
    due += RECORDS_A_DAY * scale * weight * length / DAY;
    yield { start, length, count: whole(due) - before };
    start += length;
  }
}

/** Rounds down, tolerating a sum of fractions that is slightly too small. */
function whole(sum: number): number {
  return Math.floor(sum + 1e-6);
}

function parameters(options: HistoryOptions) {
  const { seed, end, days = 7, scale = 1, subreddits = 200, users = 5_000 } = options;
  const from = end - Math.floor(days * DAY);
  const unknownSubreddit = options.unknownSubreddit ?? 0;
  return { seed, from, end, scale, subreddits, users, unknownSubreddit };
}

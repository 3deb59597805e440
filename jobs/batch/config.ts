/**
 * Configuration of the batch job.
 *
 * @module
 */

import { type Place, placeFields } from "@pipeline/adapters/config";
import { type PartsConfig, partsConfigWith } from "@pipeline/adapters/parts/config";
import {
  DEFAULT_MAX_FUTURE,
  DEFAULT_PARTITIONS,
  DEFAULT_SETTINGS,
  type ViewSettings,
  WINDOW_NAMES,
} from "@pipeline/core";
import { duration, integer, type JobConfig, jobFields, text } from "@pipeline/runtime";
import { z } from "zod";
import type { Retention } from "./retention.ts";

/** The servers that the job needs. */
export const NEEDS = ["kafka", "hdfs", "elasticsearch"] as const;

/** How a thread reaches the dataset. */
export type DatasetPlace = Place<"hdfs">;

/** The settings of a computation. Times in milliseconds. */
export interface BatchSettings {
  /** The settings of the views. */
  readonly views: ViewSettings;
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** Most posts to publish per subreddit. */
  readonly keep: number;
  /** The retention of windows of each size. */
  readonly retention: Retention;
  /** Time after which a generation fails if speed does not catch up with it. */
  readonly catchUpTimeout: number;
  /** Between two polls of speed's progress. */
  readonly pollInterval: number;
  /** Duration of the lock unless it is renewed. */
  readonly lockLease: number;
  /** How long to wait for another run's lock; no wait by default. */
  readonly lockWait?: number;
}

/** Checked configuration of the batch job. */
export interface BatchConfig extends JobConfig, BatchSettings, Place<(typeof NEEDS)[number]> {
  /** Threads that fold days. */
  readonly threads: number;
  /** File of acknowledged records, written by the generator. */
  readonly ledger?: string | undefined;
  /** How verify asks the folds of speed. */
  readonly speed: PartsConfig;
}

/** Nobody waits for the answers, and each is asked for many keys. */
const speedConfig = partsConfigWith({
  urls: [],
  without: "Without any, verify does not check what speed has in memory.",
  timeout: "5s",
});

/** Configuration of the batch job. */
export const batchConfig: z.ZodType<BatchConfig> = z.strictObject({
  ...jobFields,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  views: z.strictObject({
    userWindows: z.array(z.enum(WINDOW_NAMES)).min(1).prefault([...DEFAULT_SETTINGS.userWindows])
      .describe("Windows that user activity is counted in"),
    maxFuture: duration().prefault(DEFAULT_MAX_FUTURE).describe(
      "How far ahead of the log's clock an event may be; the same as ingest's",
    ),
  }).prefault({}),
  keep: integer({ min: 1 }).prefault(1_000).describe("Most posts to publish per subreddit"),
  retention: z.strictObject({
    minutes: duration().prefault("0s")
      .describe("How long windows of a minute are kept, back from the latest event; 0 for ever"),
    hours: duration().prefault("0s").describe("How long windows of an hour are kept"),
    days: duration().prefault("0s").describe("How long windows of a day are kept"),
  }).prefault({}),
  catchUpTimeout: duration({ min: 1_000 }).prefault("15m")
    .describe("Time after which a generation fails if speed does not catch up with it"),
  pollInterval: duration({ min: 10 }).prefault("500ms")
    .describe("Time between two polls of speed's progress"),
  lockLease: duration({ min: 1_000 }).prefault("2m")
    .describe("How long a run's lock lasts unless it is renewed"),
  lockWait: duration().prefault("3m")
    .describe("How long to wait for another run; longer than the lease, so that a dead one ends"),
  threads: integer({ min: 1, max: 256 }).prefault(1).describe("Threads that fold days"),
  ledger: text().optional()
    .describe("File of acknowledged records for verify to check, as written by the generator"),
  speed: speedConfig.prefault({}),
  ...placeFields(NEEDS),
});

/**
 * Configuration of the speed job.
 *
 * @module
 */

import { type Place, placeFields } from "@pipeline/adapters/config";
import { DEFAULT_PARTITIONS } from "@pipeline/core";
import { duration, integer, type JobConfig, jobFields, text } from "@pipeline/runtime";
import { z } from "zod";

/** The servers that the job needs. */
export const NEEDS = ["kafka", "elasticsearch"] as const;

/**
 * How often and how much speed writes, and how often it polls for generations. Times in
 * milliseconds.
 */
export interface SpeedSettings {
  /** Least time between two passes that write changed documents. */
  readonly flushInterval: number;
  /** Most documents that are written in a second; at least 2. */
  readonly maxDocuments: number;
  /** Between two polls for new generations, and between two reports of offsets. */
  readonly pollInterval: number;
}

/** Where questions to the folds are answered. */
export interface PartsConfig {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 selects a free one. */
  readonly port: number;
  /** Most requests that wait for their turn. */
  readonly maxQueued: number;
}

/** Checked configuration of the speed job. Times in milliseconds. */
export interface SpeedConfig extends JobConfig, SpeedSettings, Place<(typeof NEEDS)[number]> {
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** Whether the process folds and answers as a writer does, and writes nothing. */
  readonly standby: boolean;
  /** Where questions to the folds are answered. */
  readonly parts: PartsConfig;
  /** Milliseconds without any progress, while there is lag, until the job is not live. */
  readonly stallAfter: number;
}

/** Configuration of the speed job. */
export const speedConfig: z.ZodType<SpeedConfig> = z.strictObject({
  ...jobFields,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  standby: z.boolean().prefault(false).describe(
    "Fold and answer beside the writers, in a consumer group of its own, and write nothing",
  ),
  parts: z.strictObject({
    host: text().prefault("::").describe(
      "Address at which serving asks the folds; `::` is all of both families, `0.0.0.0` all of IPv4",
    ),
    port: integer({ max: 65_535 }).prefault(8090)
      .describe("Port at which serving asks the folds; 0 selects a free one"),
    maxQueued: integer({ min: 1, max: 10_000 }).prefault(64)
      .describe("Most requests that wait for their turn; further ones are refused"),
  }).prefault({}),
  flushInterval: duration({ min: 1 }).prefault("200ms").describe(
    "Least time between two passes that write changes to the store: longer writes less",
  ),
  maxDocuments: integer({ min: 10 }).prefault(1_000).describe(
    "Most documents written in a second, whatever the load: more keeps the store closer to the folds",
  ),
  pollInterval: duration({ min: 10 }).prefault("1s")
    .describe("Time between two polls for new generations"),
  stallAfter: duration({ min: 1_000 }).prefault("5m")
    .describe("Without progress for this long, while there is lag, the job is not live"),
  ...placeFields(NEEDS),
});

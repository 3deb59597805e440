/**
 * Configuration of the ingest job.
 *
 * @module
 */

import { type Place, placeFields } from "@pipeline/adapters/config";
import { DEFAULT_MAX_FUTURE, DEFAULT_PARTITIONS } from "@pipeline/core";
import { byteSize, duration, integer, type JobConfig, jobFields } from "@pipeline/runtime";
import { z } from "zod";

/** The servers that the job needs. */
export const NEEDS = ["kafka", "hdfs"] as const;

/** When a partition is flushed, and which records become dead letters. */
export interface IngestSettings {
  /**
   * A partition is flushed when its pending records reach this number, size or age in milliseconds.
   */
  readonly flush: { readonly records: number; readonly bytes: number; readonly age: number };
  /** How far ahead of the log's clock an event may be, in milliseconds. */
  readonly maxFuture: number;
}

/** Checked configuration of the ingest job. Times in milliseconds, sizes in bytes. */
export interface IngestConfig extends JobConfig, IngestSettings, Place<(typeof NEEDS)[number]> {
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** Partitions of the dead letters. */
  readonly deadLetterPartitions: number;
  /** The interval between sweeps, and the least age of leftovers that they remove. */
  readonly sweep: { readonly interval: number; readonly age: number };
  /** Milliseconds without any progress, while there is lag, until the job is not live. */
  readonly stallAfter: number;
}

/** Configuration of the ingest job. */
export const ingestConfig: z.ZodType<IngestConfig> = z.strictObject({
  ...jobFields,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  deadLetterPartitions: integer({ min: 1, max: 1_000 }).prefault(1)
    .describe("Partitions of the topic of dead letters"),
  flush: z.strictObject({
    records: integer({ min: 1 }).prefault(50_000)
      .describe("A partition is flushed when it holds this many records"),
    bytes: byteSize({ min: 1 }).prefault("32MiB")
      .describe("A partition is flushed when it holds this much"),
    age: duration({ min: 10 }).prefault("5s")
      .describe("A partition is flushed when what it holds is this old"),
  }).prefault({}),
  maxFuture: duration().prefault(DEFAULT_MAX_FUTURE).describe(
    "How far ahead of the log's clock an event may be; beyond, it is a dead letter. The same in batch",
  ),
  sweep: z.strictObject({
    interval: duration({ min: 1_000 }).prefault("1h")
      .describe("Interval of removing what dead writers left behind"),
    age: duration({ min: 60_000 }).prefault("1d")
      .describe("Least age of such files; longer than every timeout of a writer"),
  }).prefault({}),
  stallAfter: duration({ min: 1_000 }).prefault("5m")
    .describe("Without progress for this long, while there is lag, the job is not live"),
  ...placeFields(NEEDS),
});

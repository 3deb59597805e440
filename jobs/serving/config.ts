/**
 * Configuration of the serving job.
 *
 * @module
 */

import { type Place, placeFields } from "@pipeline/adapters/config";
import { type PartsConfig, partsConfig } from "@pipeline/adapters/parts/config";
import { DEFAULT_PARTITIONS } from "@pipeline/core";
import {
  byteSize,
  duration,
  integer,
  type JobConfig,
  jobFields,
  port,
  text,
} from "@pipeline/runtime";
import { z } from "zod";

/** The limits of the API. Times in milliseconds, sizes in bytes. */
export interface ServingLimits {
  /** Longest time to answer a request. */
  readonly requestTimeout: number;
  /** Most concurrent requests. */
  readonly maxRequests: number;
  /** Most concurrent clients of the stream. */
  readonly maxStreams: number;
  /** Most bytes of batch's documents that are kept in memory. */
  readonly cacheBytes: number;
}

/** The servers that the job needs. */
export const NEEDS = ["kafka", "elasticsearch"] as const;

/** Checked configuration of the serving job. Times in milliseconds. */
export interface ServingConfig extends JobConfig, Place<(typeof NEEDS)[number]>, ServingLimits {
  /** Address to listen on. */
  readonly host: string;
  /** Port of the API and the page. */
  readonly port: number;
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** How the folds of speed are asked. */
  readonly speed: PartsConfig;
}

const limits = {
  requestTimeout: duration({ min: 100 }).prefault("10s")
    .describe("Longest time to answer a request"),
  maxRequests: integer({ min: 1, max: 10_000 }).prefault(64)
    .describe("Most concurrent requests; further ones are refused"),
  maxStreams: integer({ min: 1, max: 10_000 }).prefault(200)
    .describe("Most concurrent clients of the stream; further ones are refused"),
  cacheBytes: byteSize({ min: 1024 }).prefault("64MiB")
    .describe("Most bytes of batch's documents that are kept in memory"),
};

/** The default limits. */
export const DEFAULT_LIMITS: ServingLimits = z.strictObject(limits).parse({});

/** Configuration of the serving job. */
export const servingConfig: z.ZodType<ServingConfig> = z.strictObject({
  ...jobFields,
  host: text().prefault("::")
    .describe("Address to listen on; `::` is all of both families, `0.0.0.0` all of IPv4"),
  port: port().prefault(30080).describe("Port of the API and the page"),
  ...limits,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  speed: partsConfig.prefault({}),
  ...placeFields(NEEDS),
});

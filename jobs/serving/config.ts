/**
 * Configuration of the serving job.
 *
 * @module
 */

import { duration, integer, port, text } from "@pipeline/runtime";
import { z } from "zod";

/** A member of a configuration: what it is once read, and what may be written. */
export type Field<Output, Input = Output> = z.ZodType<Output, Input | undefined>;

/** What the serving job listens on, and its limits. */
export const servingConfig: z.ZodObject<{
  host: Field<string>;
  port: Field<number>;
  requestTimeout: Field<number, number | string>;
  maxRequests: Field<number>;
  maxStreams: Field<number>;
}, z.core.$strict> = z.strictObject({
  host: text().prefault("0.0.0.0").describe("Address to listen on."),
  port: port().prefault(30080).describe("Port of the API and the page."),
  requestTimeout: duration({ min: 100 }).prefault("10s")
    .describe("Longest time to answer a request."),
  maxRequests: integer({ min: 1, max: 10_000 }).prefault(64)
    .describe("Most requests that are answered at a time; more are refused."),
  maxStreams: integer({ min: 1, max: 10_000 }).prefault(200)
    .describe("Most clients that follow the stream at a time; more are refused."),
});

/** Checked configuration of the serving job. Times in milliseconds. */
export type ServingConfig = z.output<typeof servingConfig>;

/**
 * The configuration that all jobs have in common.
 *
 * @module
 */

import { z } from "zod";
import { duration, port, text } from "./fields.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";

/** The address on which a job answers `/healthz`, `/readyz` and `/metrics`. */
export interface OpsConfig {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on. */
  readonly port: number;
}

/** How a job runs as a process. */
export interface ProcessConfig {
  /** The level of its log. */
  readonly log: { readonly level: LogLevel };
  /** Milliseconds that draining may take. */
  readonly grace: number;
}

/** Members of a job's schema: logs and draining. */
export const processFields: {
  readonly log: z.ZodType<ProcessConfig["log"]>;
  readonly grace: z.ZodType<number>;
} = {
  log: z.strictObject({
    level: z.enum(LOG_LEVELS).prefault("info").describe(
      "The least important level that is logged",
    ),
  }).prefault({}),
  grace: duration({ min: 100 }).prefault("50s").describe(
    "Longest time to drain after a stop signal; below the pod's own grace period",
  ),
};

/** The configuration that jobs have in common, besides that of their own work. */
export interface JobConfig extends ProcessConfig {
  /** The address on which health and metrics are served. */
  readonly ops: OpsConfig;
}

/** Members of a job's schema: logs, draining, health and metrics. */
export const jobFields: typeof processFields & { readonly ops: z.ZodType<OpsConfig> } = {
  ...processFields,
  ops: z.strictObject({
    host: text().prefault("::").describe(
      "Address of /healthz, /readyz and /metrics; `::` is all of both families, `0.0.0.0` all of IPv4",
    ),
    port: port().prefault(8080).describe("Port of /healthz, /readyz and /metrics"),
  }).prefault({}),
};

/**
 * The common base of all jobs: configuration, command line, logs, metrics, time, retries, shutdown
 * and health. It is independent of the pipeline's own work.
 *
 * @module
 */

export * from "./cli.ts";
export * from "./clock.ts";
export * from "./config.ts";
export * from "./exit.ts";
export { allowed, byPath, explain, type Naming, pathText } from "./explain.ts";
export * from "./fields.ts";
export * from "./health.ts";
export * from "./http.ts";
export * from "./job.ts";
export * from "./job_config.ts";
export * from "./job_spec.ts";
export * from "./lifetime.ts";
export * from "./log.ts";
export * from "./metrics.ts";
export * from "./nearest.ts";
export * from "./ops.ts";
export * from "./parts.ts";
export * from "./patient.ts";
export * from "./progress.ts";
export * from "./retry.ts";
export * from "./running.ts";
export type { Schema } from "./schema.ts";
export * from "./secrets.ts";
export * from "./shutdown.ts";
export * from "./trouble.ts";
export * from "./waiting.ts";

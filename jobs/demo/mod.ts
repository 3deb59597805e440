/**
 * All jobs in one process.
 *
 * @module
 */

export * from "./check.ts";
export * from "./config.ts";
export * from "./demo.ts";
export * from "./latency.ts";
export * from "./parts.ts";
export * from "./pipeline.ts";
export type { Settings } from "./settings.ts";

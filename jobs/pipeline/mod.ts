/**
 * All jobs in one process, on embedded parts.
 *
 * @module
 */

export * from "./check.ts";
export * from "./config.ts";
export * from "./demo.ts";
export * from "./latency.ts";
export * from "./pipeline.ts";

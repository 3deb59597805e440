/**
 * Ingest: historical loads and the log into the master dataset, each record exactly once.
 *
 * @module
 */

export * from "./bootstrap.ts";
export * from "./check.ts";
export { type IngestConfig, type IngestSettings, NEEDS } from "./config.ts";
export * from "./ingest.ts";
export * from "./partition_writer.ts";
export * from "./sweep.ts";

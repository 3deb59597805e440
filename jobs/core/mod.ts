/**
 * The pure part of the pipeline: records, views, monoids, horizon and merge, and
 * the ports that everything else is written against. No clock, no I/O.
 *
 * @module
 */

export * from "./bytes.ts";
export * from "./documents.ts";
export * from "./errors.ts";
export * from "./offsets.ts";
export * from "./partitioner.ts";
export * from "./ports.ts";
export * from "./records.ts";
export * from "./time.ts";

/**
 * The pure part of the pipeline: records, views, monoids, horizon and merge, and the ports that
 * everything else depends on. No clock, no I/O.
 *
 * @module
 */

export * from "./bytes.ts";
export * from "./distinct.ts";
export * from "./document_keys.ts";
export * from "./documents.ts";
export * from "./encoding.ts";
export * from "./errors.ts";
export * from "./hash.ts";
export * from "./merge.ts";
export * from "./names.ts";
export * from "./numbers.ts";
export * from "./offsets.ts";
export * from "./partitioner.ts";
export * from "./ports.ts";
export * from "./query.ts";
export * from "./records.ts";
export * from "./time.ts";
export * from "./trending.ts";
export * from "./unreadable.ts";
export * from "./versions.ts";
export * from "./views.ts";

/**
 * The batch layer: from the dataset to view generations.
 *
 * @module
 */

export * from "./batch.ts";
export * from "./check.ts";
export * from "./compose.ts";
export { type BatchConfig, type BatchSettings, type DatasetPlace, NEEDS } from "./config.ts";
export * from "./day.ts";
export * from "./lock.ts";
export * from "./plan.ts";
export * from "./pool.ts";
export * from "./publish.ts";
export * from "./retention.ts";
export * from "./roll_back.ts";
export * from "./state.ts";
export * from "./switch.ts";
export * from "./verify/ledger.ts";
export type { MemoryReport } from "./verify/memory.ts";
export type { Merged } from "./verify/merged.ts";
export * from "./verify/report.ts";
export type { Sample } from "./verify/sample.ts";
export type { SampleReport } from "./verify/sampled.ts";
export type { BatchSample } from "./verify/sampled_batch.ts";
export type { SpeedSample } from "./verify/sampled_speed.ts";
export * from "./verify/verify.ts";
export type { ReadCounts } from "./verify/watched.ts";

/**
 * The source of records: generated history, live traffic with or without disorder, and real
 * archives.
 *
 * @module
 */

export * from "./archive/mod.ts";
export {
  type GeneratorConfig,
  generatorConfig,
  historyOptions,
  type LiveRun,
  NEEDS,
  realtimeOptions,
} from "./config.ts";
export {
  type DeliveredBatch,
  Delivery,
  type DeliveryCounts,
  type DeliveryOptions,
  type PlannedRecord,
} from "./delivery.ts";
export {
  Disorder,
  type DisorderOptions,
  type InjectedRecord,
  type Injection,
  Injections,
} from "./disorder.ts";
export {
  generateHistory,
  history,
  historyLoadId,
  type HistoryOptions,
  type HistoryRun,
  historySize,
  type Progress,
} from "./historical.ts";
export { type Appender, JsonLinesFile, readJsonLines } from "@pipeline/protocol";
export {
  type AmbiguousEntry,
  type Ledger,
  type LedgerEntry,
  type LedgerLine,
  openLedger,
  readLedger,
} from "@pipeline/protocol";
export * from "./model/mod.ts";
export { type FactSource, pace, type PaceOptions, type PlannedSource, steadyTime } from "./pace.ts";
export { type Poison, POISONS } from "./poison.ts";
export {
  type RealtimeOptions,
  RealtimeProducer,
  type RealtimeRun,
  type RealtimeStatus,
} from "./realtime.ts";
export { type Burst, parseRate, RATE_FORMS, type RateProfile, Schedule } from "./schedule.ts";
export {
  FOLDERS,
  hourPath,
  type LoadManifest,
  type LoadTotals,
  readManifest,
  type StagedFile,
  type StagingLimits,
  stagingPath,
  StagingWriter,
} from "./staging.ts";

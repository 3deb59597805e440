/**
 * The ports in memory, for tests and simulation. The state lives outside of the jobs, so that a job
 * that "crashed" can be replaced on the same state; {@linkcode faulty} makes it crash at a chosen
 * step.
 *
 * @module
 */

import { MemoryDataset, type MemoryDatasetOptions } from "./dataset.ts";
import { MemoryEventLog, type MemoryLogOptions } from "./log.ts";
import { MemoryStore, type MemoryStoreOptions } from "./store.ts";

export * from "./dataset.ts";
export * from "./faults.ts";
export * from "./log.ts";
export * from "./store.ts";
export type { Delivery, GroupOptions } from "../contract/groups.ts";

/** All three ports in memory. */
export interface MemoryPorts {
  /** The log. */
  readonly log: MemoryEventLog;
  /** The master dataset. */
  readonly dataset: MemoryDataset;
  /** The serving store. */
  readonly store: MemoryStore;
}

/** Creates the three ports, empty. */
export function openMemory(
  options: MemoryLogOptions & MemoryDatasetOptions & MemoryStoreOptions = {},
): MemoryPorts {
  return {
    log: new MemoryEventLog(options),
    dataset: new MemoryDataset(options),
    store: new MemoryStore(options),
  };
}

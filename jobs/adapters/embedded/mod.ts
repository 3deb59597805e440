/**
 * The ports on one machine's disk: a log in segment files, a folder as the master
 * dataset, SQLite as the serving store. All of it outlives `kill -9`.
 *
 * @module
 */

import { EmbeddedDataset } from "./dataset.ts";
import type { Durability } from "./io.ts";
import { acquireLock } from "./lock.ts";
import { EmbeddedLog, type EmbeddedLogOptions } from "./log.ts";
import { EmbeddedStore } from "./store.ts";

export * from "./dataset.ts";
export * from "./lock.ts";
export * from "./log.ts";
export * from "./store.ts";
export type { Durability } from "./io.ts";

/** How a data folder is opened. */
export interface EmbeddedOptions extends Omit<EmbeddedLogOptions, "readOnly"> {
  /**
   * `own` (the default): the one process that may write, with the folder's lock.
   * `join`: beside the owner, in a thread or process: writes the dataset and the store, reads the log.
   * `read`: beside the owner, or without one: reads all three.
   */
  readonly access?: "own" | "join" | "read" | undefined;
  /** What a crash may lose; `process` by default. */
  readonly durability?: Durability | undefined;
}

/** All three ports on one folder. */
export interface EmbeddedPorts {
  /** The log. */
  readonly log: EmbeddedLog;
  /** The master dataset. */
  readonly dataset: EmbeddedDataset;
  /** The serving store. */
  readonly store: EmbeddedStore;
  /** Closes all three and releases the lock. */
  close(): Promise<void>;
}

/**
 * Opens a data folder: `log`, `dataset` and `store` in it.
 *
 * @throws {PipelineError} `conflict` if another process owns it, `invalid` if it cannot be used,
 * `corrupt` if acknowledged records are damaged.
 */
export function openEmbedded(folder: string, options: EmbeddedOptions = {}): EmbeddedPorts {
  const access = options.access ?? "own";
  const readOnly = access === "read";
  const { durability } = options;
  const lock = access === "own" ? acquireLock(folder) : undefined;
  try {
    const log = new EmbeddedLog(`${folder}/log`, { ...options, readOnly: access !== "own" });
    const dataset = new EmbeddedDataset(`${folder}/dataset`, { durability, readOnly });
    const sweep = access === "own";
    const store = new EmbeddedStore(`${folder}/store`, { durability, readOnly, sweep });
    return {
      log,
      dataset,
      store,
      async close() {
        await log.close();
        await dataset.close();
        await store.close();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

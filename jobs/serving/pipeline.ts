/**
 * The commands of the serving job.
 *
 * @module
 */

import type { EventLog, ServingStore } from "@pipeline/core";
import { type LiveParts, readEnds, readIngested } from "@pipeline/protocol";
import type { Job } from "@pipeline/runtime";
import { createApp } from "./app.ts";
import type { ServingConfig } from "./config.ts";
import { loadAssets } from "./page/mod.ts";
import { serve } from "./server.ts";

/** The ports of the serving job. */
export interface ServingPorts {
  /** The log whose ends are read. */
  readonly log: EventLog;
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The folds that can be asked; without them, the store answers for them. */
  readonly parts?: LiveParts;
}

/** Answers requests until the signal is aborted. */
export async function runServing(
  { log, store, parts }: ServingPorts,
  job: Job<ServingConfig>,
): Promise<void> {
  const { config, health, metrics, clock, logger, signal } = job;
  const app = createApp({
    store,
    ...(parts && { parts }),
    ends: () => readEnds(log, config.partitions),
    ingested: () => readIngested(log, config.partitions),
    assets: await loadAssets(),
    limits: config,
    clock,
    log: logger,
    metrics,
    health,
  });
  const server = serve(app, { host: config.host, port: config.port, log: logger });
  logger.info("Serving", { port: server.port });
  await app.watch(signal);
  await server.stop();
}

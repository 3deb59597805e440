/**
 * The commands of the serving job.
 *
 * @module
 */

import type { EventLog, ServingStore } from "@pipeline/core";
import { readEnds, readIngested } from "@pipeline/protocol";
import { errorText, type Job, Waiting } from "@pipeline/runtime";
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
}

/** Milliseconds between two probes of the store, once it is ready and before. */
const POLL_INTERVAL = { ready: 2_000, waiting: 250 };

/** Answers requests until the signal is aborted. */
export async function runServing(
  { log, store }: ServingPorts,
  job: Job<ServingConfig>,
): Promise<void> {
  const { config, health, metrics, clock, logger } = job;
  const app = createApp({
    store,
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
  await watchStore(store, job);
  await server.stop();
}

/**
 * Keeps the job ready while the store answers and has a generation, until the signal is aborted.
 */
async function watchStore(
  store: ServingStore,
  { health, clock, logger, signal }: Job<ServingConfig>,
): Promise<void> {
  const gate = health.gate("generation");
  let waiting: Waiting | undefined;
  while (!signal.aborted) {
    const why = await store.current().then(
      (generation) => generation === undefined ? "there is none yet" : undefined,
      errorText,
    );
    if (why === undefined) {
      gate.open();
      waiting = undefined;
    } else {
      gate.close(why);
      waiting ??= new Waiting({ what: "Waiting for a generation to serve", logger, clock });
      waiting.look({ why });
    }
    const interval = why === undefined ? POLL_INTERVAL.ready : POLL_INTERVAL.waiting;
    await clock.sleep(interval, signal).catch(() => {});
  }
}

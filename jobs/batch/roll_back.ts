/**
 * Rolls back to an earlier generation, by the same steps as a switch forward.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { newToken, readManifest, writeManifest } from "@pipeline/protocol";
import { systemClock } from "@pipeline/runtime";
import type { BatchOptions } from "./batch.ts";
import { lockBatch } from "./lock.ts";
import { giveUp, switchTo } from "./switch.ts";

/**
 * Makes an earlier generation the served one: speed catches up in it, then the aliases move.
 * Rejects with `not_found` if it was dropped. An interrupted rollback can be repeated.
 */
export async function rollBack(
  generation: number,
  options: Pick<BatchOptions, "store" | "settings" | "clock" | "logger" | "signal">,
): Promise<void> {
  const { store, settings, signal, logger } = options;
  const clock = options.clock ?? systemClock;
  const token = newToken();
  const stop = signal === undefined ? {} : { signal };
  const { lockLease: lease, lockWait: wait } = settings;
  const lock = await lockBatch(store, token, { lease, wait, clock, signal, logger });
  const switching = { store, clock, ...stop, ...(logger === undefined ? {} : { logger }) };
  try {
    const kept = await readManifest(store, generation);
    // `prepared`: an earlier rollback was interrupted. `live`: the aliases moved, and the state was not yet updated.
    const whole = kept !== undefined && kept.manifest.state !== "building" &&
      kept.manifest.state !== "failed";
    if (!whole) {
      throw new PipelineError(
        "not_found",
        `Generation ${generation} is not kept: it cannot be served`,
      );
    }
    const prepared = { ...kept.manifest, state: "prepared" as const, updated: clock.now() };
    try {
      await switchTo(await writeManifest(store, prepared, kept.version), {
        ...switching,
        catchUpTimeout: settings.catchUpTimeout,
        pollInterval: settings.pollInterval,
        onWait: () => lock.renew(),
        back: true,
      });
    } catch (error) {
      await giveUp(generation, "previous", switching);
      throw error;
    }
  } finally {
    await lock.release().catch(() => {});
  }
}

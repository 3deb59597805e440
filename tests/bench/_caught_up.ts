/**
 * Waits for a process of speed.
 *
 * @module
 */

import type { JobProcess } from "../faults/_process.ts";
import { pause } from "../support/demo.ts";

/** Milliseconds between two looks at its metrics. */
const LOOK = 250;

/** What is waited for, and how long. */
export interface CaughtUp {
  /** Greatest number of records of the log that it has not folded. */
  readonly lag: number;
  /** Whether the copy must be complete too. */
  readonly copied?: boolean;
  /** Longest wait in milliseconds; ten minutes where not given. */
  readonly timeout?: number;
}

/** Resolves when a process of speed has folded what is in the log, but for some records. */
export async function caughtUp(
  speed: JobProcess,
  { lag, copied = false, timeout = 600_000 }: CaughtUp,
): Promise<void> {
  const deadline = performance.now() + timeout;
  for (;;) {
    await pause(LOOK);
    const left = await speed.metric("log_lag_records");
    const folded = await speed.metric("speed_records_total") ?? 0;
    const age = copied ? await speed.metric("speed_copy_age_seconds") : 0;
    if (left !== undefined && left <= lag && folded > 0 && age === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`Speed did not catch up: ${left} records behind, its copy ${age} s`);
    }
  }
}

/**
 * Waits for a process of speed.
 *
 * @module
 */

import type { EventLog } from "@pipeline/core";
import { readEnds } from "@pipeline/protocol";
import { PARTITIONS } from "../faults/_configs.ts";
import type { JobProcess } from "../faults/_process.ts";
import { pause } from "../support/demo.ts";

/** Milliseconds between two looks at its metrics. */
const LOOK = 250;

/** What is waited for, and how long. */
export interface CaughtUp {
  /** The log, whose ends of now are to be reached: a process that has just begun reports no lag. */
  readonly log: EventLog;
  /** Greatest number of records of the log that it has not folded. */
  readonly lag: number;
  /** Whether the copy must be complete too. */
  readonly copied?: boolean;
  /** Longest wait in milliseconds; ten minutes where not given. */
  readonly timeout?: number;
}

/** Resolves when a process of speed has folded what the log has now, but for some records. */
export async function caughtUp(
  speed: JobProcess,
  { log, lag, copied = false, timeout = 600_000 }: CaughtUp,
): Promise<void> {
  const deadline = performance.now() + timeout;
  const ends = Object.values(await readEnds(log, PARTITIONS)).flat();
  const end = ends.reduce((sum, each) => sum + each, 0);
  for (;;) {
    await pause(LOOK);
    const left = end - (await speed.metric("log_position_offset") ?? 0);
    const age = copied ? await speed.metric("speed_copy_age_seconds") : 0;
    if (left <= lag && age === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`Speed did not catch up: ${left} records behind, its copy is ${age} s old`);
    }
  }
}

/**
 * The ends of the log, by which a verification recognises what no record has made.
 *
 * @module
 */

import { eachOffset, type EventLog, type OffsetVector } from "@pipeline/core";
import { partitionsOf, readEnds } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";

/** Milliseconds between two looks. */
const PAUSE = 1_000;

/** Most looks. */
const LOOKS = 15;

/**
 * The ends of the log, awaited for some time while anything was seen beyond: a broker that has just
 * become a leader may not know yet of all records that the one before has shown.
 *
 * @param seen the greatest offset of each partition that occurs anywhere.
 */
export async function readEndsFor(
  log: EventLog,
  { seen, clock }: { readonly seen: OffsetVector; readonly clock: Clock },
): Promise<OffsetVector> {
  for (let looks = 1;; looks++) {
    const ends = await readEnds(log, partitionsOf(seen));
    const isShort = [...eachOffset(seen)].some(({ topic, partition, offset }) =>
      offset > ends[topic][partition]!
    );
    if (!isShort || looks === LOOKS) return ends;
    await clock.sleep(PAUSE);
  }
}

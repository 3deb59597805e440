/**
 * What the pipeline is doing: the generation, how far each layer is, and counts.
 *
 * @module
 */

import { type ViewName, VIEWS } from "@pipeline/core";
import type { Manifest } from "@pipeline/protocol";
import type { Reading } from "./reading.ts";

/** Counts of one generation. */
export interface Status {
  /** The generation's state, as batch wrote it. */
  readonly state: Manifest["state"];
  /** What each layer has folded. */
  readonly layers: {
    /** What batch folded, below the horizon. */
    readonly batch: {
      readonly records: number;
      readonly unresolved: number;
      readonly keep: number;
    };
    /** What speed folded, from the horizon on. */
    readonly speed: SpeedCounts;
  };
  /** Number of stored documents by view. */
  readonly documents: Readonly<Record<ViewName, number>>;
}

/** Sums over all partitions that speed folds. */
export interface SpeedCounts {
  /** Partitions that speed has begun with. */
  readonly partitions: number;
  /** Records folded. */
  readonly records: number;
  /** Records that could not be used. */
  readonly dead_letters: number;
  /** Announcements of what was announced already. */
  readonly duplicates: number;
  /** Announcements older than what is kept. */
  readonly retired: number;
  /** Comments whose subreddit is unknown until the next generation. */
  readonly unresolved: number;
  /** Keys in the fold. */
  readonly keys: number;
}

/** The status of the generation that is read. */
export async function status(reading: Reading): Promise<Status> {
  const { state, records, unresolved, keep } = reading.manifest;
  const counts = await Promise.all(VIEWS.map(async (view) => [view, await reading.count(view)]));
  return {
    state,
    layers: { batch: { records, unresolved, keep }, speed: speedCounts(reading) },
    documents: Object.fromEntries(counts) as Record<ViewName, number>,
  };
}

/** What speed has folded into the generation that is read. */
export function speedCounts(reading: Reading): SpeedCounts {
  const total = {
    partitions: reading.folded.length,
    records: 0,
    dead_letters: 0,
    duplicates: 0,
    retired: 0,
    unresolved: 0,
    keys: 0,
  };
  for (const folded of reading.folded) {
    total.records += folded.records;
    total.dead_letters += folded.dead_letters;
    total.duplicates += folded.duplicates;
    total.retired += folded.retired;
    total.unresolved += folded.unresolved;
    total.keys += folded.keys;
  }
  return total;
}

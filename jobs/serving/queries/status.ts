/**
 * The state of the pipeline: the generation, the position of each layer, and counts.
 *
 * @module
 */

import { type ViewName, VIEWS } from "@pipeline/core";
import type { Manifest } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import type { Reading } from "./reading.ts";

/** Counts of one generation. */
export interface Status {
  /** The generation's state, as batch wrote it. */
  readonly state: Manifest["state"];
  /** What each layer has folded. */
  readonly layers: {
    /** Counts of batch, below the horizon. */
    readonly batch: {
      readonly records: number;
      readonly unresolved: number;
      readonly keep: number;
    };
    /** Counts of speed, from the horizon on. */
    readonly speed: SpeedCounts;
  };
  /** Number of stored documents by view, at most five seconds old. */
  readonly documents: Readonly<Record<ViewName, number>>;
}

/** Sums over all partitions that speed folds. */
export interface SpeedCounts {
  /** Partitions with a fold. */
  readonly partitions: number;
  /** Records folded. */
  readonly records: number;
  /** Records that were rejected. */
  readonly dead_letters: number;
  /** Announcements that were duplicates. */
  readonly duplicates: number;
  /** Announcements from before the start of retention. */
  readonly retired: number;
  /** Comments whose subreddit is unknown until the next generation. */
  readonly unresolved: number;
  /** Keys in the fold. */
  readonly keys: number;
}

/** Milliseconds for which a count of documents is reused: counting reads all of them. */
const COUNT_AGE = 5_000;

/** Counts the documents of a generation periodically. */
export class DocumentCounts {
  readonly #clock: Pick<Clock, "monotonic">;
  #counted:
    | { readonly generation: number; readonly at: number; readonly counts: Counts }
    | undefined;

  /** Creates a cache without counts. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Number of documents by view, at most some seconds old. */
  of(reading: Reading): Counts {
    const { generation } = reading.manifest;
    const now = this.#clock.monotonic();
    const counted = this.#counted;
    if (counted?.generation === generation && now - counted.at < COUNT_AGE) return counted.counts;
    const counts = count(reading);
    // Failed counts are not cached.
    counts.catch(() => this.#counted = undefined);
    this.#counted = { generation, at: now, counts };
    return counts;
  }
}

type Counts = Promise<Readonly<Record<ViewName, number>>>;

async function count(reading: Reading): Counts {
  const counts = await Promise.all(VIEWS.map(async (view) => [view, await reading.count(view)]));
  return Object.fromEntries(counts);
}

/** The status of the generation that is read. */
export async function status(reading: Reading, counts: DocumentCounts): Promise<Status> {
  const { state, records, unresolved, keep } = reading.manifest;
  return {
    state,
    layers: { batch: { records, unresolved, keep }, speed: speedCounts(reading) },
    documents: await counts.of(reading),
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

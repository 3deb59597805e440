/**
 * The state of the pipeline: the generation, the position of each layer, and counts.
 *
 * @module
 */

import { type ViewName, VIEWS } from "@pipeline/core";
import type { Manifest } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import { Latest } from "../reading/latest.ts";
import type { Reading } from "../reading/reading.ts";

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
  /** Number of stored documents by view, at most five seconds old while the store answers. */
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

type Counts = Readonly<Record<ViewName, number>>;

/** Counts the documents of a generation periodically. */
export class DocumentCounts {
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  #counted: { readonly generation: number; readonly counts: Latest<Counts> } | undefined;

  /** Creates a cache without counts. */
  constructor(clock: Pick<Clock, "monotonic" | "sleep">) {
    this.#clock = clock;
  }

  /** Number of documents by view, at most some seconds old while the store answers. */
  async of(reading: Reading): Promise<Counts> {
    const { generation } = reading.manifest;
    if (this.#counted?.generation !== generation) {
      const read = () => count(reading);
      const counts = new Latest({ read, maxAge: COUNT_AGE, clock: this.#clock });
      this.#counted = { generation, counts };
    }
    return await this.#counted.counts.get();
  }
}

async function count(reading: Reading): Promise<Counts> {
  const counts = await Promise.all(VIEWS.map(async (view) => [view, await reading.count(view)]));
  return Object.fromEntries(counts);
}

/** The status of the generation that is read. */
export async function status(reading: Reading, counts: DocumentCounts): Promise<Status> {
  const { state, records, unresolved, keep } = reading.manifest;
  reading.include(await reading.live({}));
  return {
    state,
    layers: { batch: { records, unresolved, keep }, speed: speedCounts(reading) },
    documents: await counts.of(reading),
  };
}

/** What speed has folded of the rounds that are included. */
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

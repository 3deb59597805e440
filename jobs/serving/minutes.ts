/**
 * The last hour, minute by minute, over all subreddits. Reading an hour's documents every second
 * would be expensive, and late records are rare: the newest minutes are read each time, the others
 * in turn.
 *
 * @module
 */

import { countUnion, mergeCounts, WINDOWS } from "@pipeline/core";
import { PARTS_BOUNDS } from "@pipeline/protocol";
import { isCounted } from "./queries/windows.ts";
import type { Reading } from "./reading/reading.ts";
import type { Questions } from "./reading/round.ts";

/** All subreddits in one minute. */
export interface MinuteTotal {
  /** Milliseconds since 1970. */
  readonly window_start: number;
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
  /** Distinct authors of either. */
  readonly active_users: number;
}

const MINUTE = WINDOWS["1m"];
const MINUTES = 60;

/** Number of minutes that are read each time. */
const NEWEST = 2;

/** The last hour of one generation. */
export class MinuteTotals {
  /** The generation of the totals. */
  readonly generation: number;
  readonly #totals = new Map<number, MinuteTotal>();
  #anchor: number | undefined;
  #turn = 0;

  /** Creates totals that hold nothing yet. */
  constructor(generation: number) {
    this.generation = generation;
  }

  /** The hour that ends with a minute, ascending, without empty minutes. */
  async read(reading: Reading, anchor: number): Promise<MinuteTotal[]> {
    const first = anchor - (MINUTES - 1) * MINUTE;
    const known = this.#anchor;
    this.#anchor = anchor;
    if (known === undefined || known > anchor || known < first) {
      this.#totals.clear();
      await this.#update(reading, minutesFrom(first, anchor));
    } else {
      const newest = minutesFrom(Math.min(known, anchor - (NEWEST - 1) * MINUTE), anchor);
      this.#turn = (this.#turn + 1) % (MINUTES - NEWEST);
      await this.#update(reading, [...newest, first + this.#turn * MINUTE]);
    }
    for (const start of this.#totals.keys()) if (start < first) this.#totals.delete(start);
    return [...this.#totals.values()].sort((a, b) => a.window_start - b.window_start);
  }

  async #update(reading: Reading, minutes: readonly number[]): Promise<void> {
    const view = "subreddit_activity";
    const { documents: limit, questions: most } = PARTS_BOUNDS;
    for (let at = 0; at < minutes.length; at += most) {
      // Each minute is a question of its own, since an answer holds a limited number of documents.
      const some = minutes.slice(at, at + most);
      const questions: Questions = Object.fromEntries(
        some.map((start) => [start, { view, query: { ...minuteQuery(start), limit } }]),
      );
      const round = await reading.live(questions);
      reading.include(round);
      for (const start of some) {
        const batch = await reading.batch.search(view, minuteQuery(start));
        const parts = [...batch, ...round.documents<"activity">(String(start))];
        const counts = mergeCounts(parts);
        if (!isCounted(counts)) continue;
        const active_users = countUnion(parts.map((part) => part.users));
        this.#totals.set(start, { window_start: start, ...counts, active_users });
      }
    }
  }
}

function minuteQuery(start: number) {
  return {
    type: "activity",
    window: "1m",
    from: start,
    to: start + MINUTE,
    order: "window",
  } as const;
}

/** The minutes from one to another, both inclusive. */
function minutesFrom(first: number, last: number): number[] {
  return Array.from({ length: (last - first) / MINUTE + 1 }, (_, i) => first + i * MINUTE);
}

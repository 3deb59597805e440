/**
 * The last hour, minute by minute, over all subreddits. Reading an hour's documents every second
 * would be expensive, and late records are rare: the newest minutes are read each time, the others
 * in turn.
 *
 * @module
 */

import { countUnion, mergeCounts, WINDOWS } from "@pipeline/core";
import type { Reading } from "./queries/reading.ts";
import { byWindow } from "./queries/subreddit_activity.ts";

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
      await this.#update(reading, first, anchor + MINUTE);
    } else {
      await this.#update(reading, Math.min(known, anchor - (NEWEST - 1) * MINUTE), anchor + MINUTE);
      this.#turn = (this.#turn + 1) % (MINUTES - NEWEST);
      const older = first + this.#turn * MINUTE;
      await this.#update(reading, older, older + MINUTE);
    }
    for (const start of this.#totals.keys()) if (start < first) this.#totals.delete(start);
    return [...this.#totals.values()].sort((a, b) => a.window_start - b.window_start);
  }

  async #update(reading: Reading, from: number, to: number): Promise<void> {
    const filter = { type: "activity", window: "1m", from, to, order: "window" } as const;
    for await (const parts of byWindow(reading.all("subreddit_activity", filter))) {
      const start = parts[0]!.window_start;
      const active_users = countUnion(parts.map((part) => part.users));
      this.#totals.set(start, { window_start: start, ...mergeCounts(parts), active_users });
    }
  }
}

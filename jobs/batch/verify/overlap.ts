/**
 * The surplus of announcements that were produced more than once and folded into more than one
 * part: on either side of the horizon, or in two partitions. Each part counts its own, even if they
 * contradict one another, so the merged counts differ from those of one fold by exactly this.
 *
 * @module
 */

import {
  type Announcement,
  type ViewSettings,
  type ViewState,
  WINDOW_NAMES,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import { activityKey, userKey, userWindowKey } from "./keys.ts";

/** Announced posts and comments; negative where the whole fold counts more. */
export interface Counts {
  readonly posts: number;
  readonly comments: number;
}

/**
 * Finds announcements counted by several parts. It starts from the batch layer's part, and ends
 * with the fold of all records.
 */
export class Overlap {
  readonly #settings: ViewSettings;
  readonly #several = new Set<string>();
  readonly #corrections = new Map<string, Counts>();
  #more = 0;

  /** Compares the parts with one another. The caller may continue to fold into `batch`. */
  constructor(batch: ViewState, speed: readonly ViewState[], settings: ViewSettings) {
    this.#settings = settings;
    const seen = new Set<string>();
    for (const state of speed) {
      for (const announced of state.announcements()) {
        const name = nameOf(announced);
        if (seen.has(name) || batch.hasAnnounced(announced)) this.#several.add(name);
        seen.add(name);
      }
    }
    for (const state of [batch, ...speed]) this.#more += this.#add(state, 1);
  }

  /** Number of announcements counted beyond the first time. */
  get more(): number {
    return this.#more;
  }

  /** The surplus of the merged counts over those of one fold of all records, by key. */
  corrections(whole: ViewState): ReadonlyMap<string, Counts> {
    this.#more -= this.#add(whole, -1);
    return this.#corrections;
  }

  #add(state: ViewState, by: 1 | -1): number {
    if (this.#several.size === 0) return 0;
    let found = 0;
    for (const announced of state.announcements()) {
      if (!this.#several.has(nameOf(announced))) continue;
      found++;
      for (const key of this.#keysOf(announced)) {
        const { posts, comments } = this.#corrections.get(key) ?? { posts: 0, comments: 0 };
        this.#corrections.set(
          key,
          announced.kind === "post"
            ? { posts: posts + by, comments }
            : { posts, comments: comments + by },
        );
      }
    }
    return found;
  }

  *#keysOf({ created_utc, user_id, subreddit }: Announcement): Generator<string> {
    yield userKey(user_id);
    for (const w of this.#settings.userWindows) {
      yield userWindowKey(w, windowStart(created_utc, WINDOWS[w]), user_id);
    }
    if (subreddit === undefined) return;
    for (const w of WINDOW_NAMES) {
      yield activityKey(w, windowStart(created_utc, WINDOWS[w]), subreddit);
    }
  }
}

function nameOf({ kind, id, created_utc }: Announcement): string {
  return `${kind} ${created_utc} ${id}`;
}

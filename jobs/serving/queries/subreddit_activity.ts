/**
 * One subreddit's activity, window by window.
 *
 * @module
 */

import { type Activity, mergeActivity, nameKey } from "@pipeline/core";
import type { Reading } from "../reading/reading.ts";
import { refuseOtherRules, shownName, spellingsQuestion } from "./names.ts";
import {
  byWindow,
  isCounted,
  latestOf,
  rangeQuery,
  type RangeRequest,
  resolveRange,
} from "./windows.ts";

/** Activity in one window. */
export interface ActivityItem extends Activity {
  /** Milliseconds since 1970. */
  readonly window_start: number;
}

/** A subreddit's activity. */
export interface SubredditActivity {
  /** The name in its latest spelling. */
  readonly name: string;
  /** In ascending order of windows, without empty ones. */
  readonly items: readonly ActivityItem[];
}

/**
 * A subreddit's activity, however the name is spelled.
 *
 * @throws {Problem} 404 or 503 if the generation does not know the subreddit (see `names.ts`).
 */
export async function subredditActivity(
  reading: Reading,
  request: RangeRequest & { readonly subreddit: string },
): Promise<SubredditActivity> {
  const { manifest, batch } = reading;
  await refuseOtherRules(reading);
  const key = nameKey(request.subreddit);
  const query = { type: "activity", subreddit: key, ...rangeQuery(manifest, request) } as const;
  const view = "subreddit_activity";
  const names = spellingsQuestion([key]);
  const [stored, windows, round] = await Promise.all([
    batch.get<"subreddit">(view, names.keys),
    batch.search(view, query),
    reading.live({ names, windows: { view, query } }),
  ]);
  const name = shownName(reading, { name: request.subreddit, round, stored });
  reading.include(round);
  const documents = [...windows, ...round.documents<"activity">("windows")];
  const range = resolveRange(manifest, request, latestOf(documents));
  const items = byWindow(documents, range)
    .map(([window_start, parts]) => ({ window_start, ...mergeActivity(parts) }))
    .filter(isCounted);
  return { name, items };
}

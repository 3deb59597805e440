/**
 * One user's activity: window by window, and over all time.
 *
 * @module
 */

import {
  countUnion,
  documentKey,
  mergeCounts,
  mergeUserTotals,
  nameKey,
  type UserTotal,
  type WindowName,
} from "@pipeline/core";
import { Problem } from "../problem.ts";
import type { Reading } from "../reading/reading.ts";
import { refuseOtherRules, unknownName } from "./names.ts";
import {
  byWindow,
  isCounted,
  latestOf,
  rangeQuery,
  type RangeRequest,
  resolveRange,
} from "./windows.ts";

/** A user's announcements in one window. */
export interface UserWindowItem {
  /** Milliseconds since 1970. */
  readonly window_start: number;
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
}

/** Totals of a user over all time. */
export interface UserTotals {
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
  /** Distinct subreddits of either. */
  readonly subreddits: number;
  /** As of the latest user record; `null` if there is none. */
  readonly karma: number | null;
  /** Milliseconds since 1970 of the latest announcement; `null` if there is none. */
  readonly last_active: number | null;
}

/** A user's activity. */
export interface UserActivity {
  /** The name in its latest spelling. */
  readonly name: string;
  /** In ascending order of windows, without empty ones. */
  readonly items: readonly UserWindowItem[];
  /** Over all time. */
  readonly totals: UserTotals;
}

/**
 * A user's activity, however the name is spelled.
 *
 * @throws {Problem} 400 if the generation does not count users in such windows; 404 or 503 if it
 * does not know the user (see `names.ts`).
 */
export async function userActivity(
  reading: Reading,
  request: RangeRequest & { readonly user_id: string },
): Promise<UserActivity> {
  const { manifest, batch } = reading;
  const { window } = request;
  const user_id = nameKey(request.user_id);
  refuseUncounted(window, manifest.settings.userWindows);
  await refuseOtherRules(reading);
  const view = "user_activity";
  const query = { type: "user_window", user_id, ...rangeQuery(manifest, request) } as const;
  const keys = [documentKey({ type: "user_total", user_id })];
  const [storedTotals, storedWindows, round] = await Promise.all([
    batch.get<"user_total">(view, keys),
    batch.search(view, query),
    reading.live({ totals: { view, keys }, windows: { view, query } }),
  ]);
  reading.include(round);
  const totals = [...storedTotals, ...round.documents<"user_total">("totals")];
  if (totals.length === 0) throw unknownName(reading, { kind: "user", name: request.user_id });
  const windows = [...storedWindows, ...round.documents<"user_window">("windows")];
  const range = resolveRange(manifest, request, latestOf(windows));
  const items = byWindow(windows, range)
    .map(([window_start, parts]) => ({ window_start, ...mergeCounts(parts) }))
    .filter(isCounted);
  const total = mergeUserTotals(totals);
  return { name: total.name, items, totals: shownTotals(total) };
}

function refuseUncounted(window: WindowName, counted: readonly WindowName[]): void {
  if (counted.includes(window)) return;
  const allowed = counted.map((name) => JSON.stringify(name)).join(", ");
  throw new Problem(400, `"window" is "${window}": users are counted in windows of ${allowed}`);
}

function shownTotals(total: UserTotal): UserTotals {
  return {
    posts: total.posts,
    comments: total.comments,
    subreddits: countUnion([total.subreddits]),
    karma: total.karma_timestamp < 0 ? null : total.karma,
    last_active: total.last_active < 0 ? null : total.last_active,
  };
}

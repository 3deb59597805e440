/**
 * One user's activity: window by window, and over all time.
 *
 * @module
 */

import {
  BATCH_PART,
  countUnion,
  mergeCounts,
  mergeUserTotals,
  nameKey,
  type UserTotal,
  userTotalDocumentId,
  type WindowName,
} from "@pipeline/core";
import { Problem } from "../problem.ts";
import { refuseOtherRules, unknownName } from "./names.ts";
import type { Reading } from "./reading.ts";
import { byWindow } from "./subreddit_activity.ts";
import { latestWindow, type RangeRequest, resolveRange } from "./windows.ts";

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
  const { window } = request;
  const user_id = nameKey(request.user_id);
  refuseUncounted(window, reading.manifest.settings.userWindows);
  refuseOtherRules(reading);
  const ids = [BATCH_PART, ...reading.parts()].map((part) => userTotalDocumentId(part, user_id));
  const parts = await reading.get<"user_total">("user_activity", ids);
  if (parts.length === 0) throw unknownName(reading, { kind: "user", name: request.user_id });
  const total = mergeUserTotals(parts);
  const range = await resolveRange(
    reading,
    request,
    () => latestWindow(reading, { type: "user_window", user_id, window }),
  );
  const documents = reading.all("user_activity", {
    type: "user_window",
    user_id,
    window,
    ...range,
    order: "window",
  });
  const items: UserWindowItem[] = [];
  for await (const parts of byWindow(documents)) {
    items.push({ window_start: parts[0]!.window_start, ...mergeCounts(parts) });
  }
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

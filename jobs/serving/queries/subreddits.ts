/**
 * All subreddits of one window, in a chosen order.
 *
 * @module
 */

import {
  type ActivityDocument,
  BASELINE_WINDOWS,
  compareTrends,
  compareUtf8,
  countUnion,
  formatTime,
  mergeCounts,
  trendOf,
  type WindowName,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import { Problem } from "../problem.ts";
import { readSpellings } from "./names.ts";
import type { Reading } from "./reading.ts";
import { latestWindow, refuseRetired } from "./windows.ts";

/** The possible sort orders. */
export const SORTS = ["trending", "posts", "comments", "active_users"] as const;

/** A sort order of subreddits. */
export type Sort = (typeof SORTS)[number];

/** A subreddit in one window. */
export interface SubredditItem {
  /** The name in its latest spelling. */
  readonly subreddit: string;
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
  /** Distinct authors of either. */
  readonly active_users: number;
  /**
   * The window's posts and comments over the mean of the 24 windows before; `null` if those are
   * empty. Only if it is the sort order.
   */
  readonly trend?: number | null;
}

/** The requested subreddits. */
export interface SubredditsRequest {
  /** Size of the window. */
  readonly window: WindowName;
  /** The sort order. */
  readonly sort: Sort;
  /** Most subreddits. */
  readonly limit: number;
  /** A time within the window; the latest window with any announcement by default. */
  readonly at?: number | undefined;
}

/** Subreddits of one window. */
export interface SubredditList {
  /** Milliseconds since 1970; `null` if all windows are empty. */
  readonly window_start: number | null;
  /** Best first, without subreddits that have no announcements in the window. */
  readonly items: readonly SubredditItem[];
}

/** A subreddit's parts of the requested window. */
interface Candidate {
  readonly subreddit: string;
  readonly posts: number;
  readonly comments: number;
  readonly users: readonly string[];
}

/**
 * The first subreddits of a window; ties are ordered by key.
 *
 * @throws {Problem} 400 if the window, or one of the earlier ones that a trend needs, is no longer
 * retained.
 */
export async function listSubreddits(
  reading: Reading,
  request: SubredditsRequest,
): Promise<SubredditList> {
  const { window, sort, limit, at } = request;
  const retained = reading.manifest.retained_from[window];
  if (at !== undefined) refuseRetired(`"at"`, { time: at, window, retained });
  const start = at === undefined
    ? await latestWindow(reading, { type: "activity", window })
    : windowStart(at, WINDOWS[window]);
  if (start === undefined) return { window_start: null, items: [] };
  const candidates = await readWindow(reading, window, start);
  const items = sort === "trending"
    ? await byTrend(reading, { window, start, candidates, limit })
    : bySize(candidates, sort, limit);
  const spellings = await readSpellings(reading, items.map(({ subreddit }) => subreddit));
  const shown = items.map((item) => {
    const spelling = spellings.get(item.subreddit);
    return spelling === undefined ? item : { ...item, subreddit: spelling.name };
  });
  return { window_start: start, items: shown };
}

async function readWindow(
  reading: Reading,
  window: WindowName,
  start: number,
): Promise<Candidate[]> {
  const groups = new Map<string, ActivityDocument[]>();
  for await (const document of activity(reading, window, start, start + 1)) {
    const group = groups.get(document.subreddit);
    if (group === undefined) groups.set(document.subreddit, [document]);
    else group.push(document);
  }
  return [...groups].map(([subreddit, parts]) => ({
    subreddit,
    ...mergeCounts(parts),
    users: parts.map(({ users }) => users),
  }));
}

function activity(reading: Reading, window: WindowName, from: number, to: number) {
  const filter = { type: "activity", window, from, to, order: "window" } as const;
  return reading.all("subreddit_activity", filter);
}

function bySize(
  candidates: readonly Candidate[],
  sort: Exclude<Sort, "trending">,
  limit: number,
): SubredditItem[] {
  // Distinct counts are expensive: all of them are computed only if they determine the order.
  const counted = sort === "active_users" ? candidates.map(toItem) : candidates;
  const size = (item: SubredditItem | Candidate) => (item as SubredditItem)[sort];
  return [...counted]
    .sort((a, b) => size(b) - size(a) || compareUtf8(a.subreddit, b.subreddit))
    .slice(0, limit)
    .map((item) => "users" in item ? toItem(item) : item);
}

function toItem({ subreddit, posts, comments, users }: Candidate): SubredditItem {
  return { subreddit, posts, comments, active_users: countUnion(users) };
}

async function byTrend(
  reading: Reading,
  { window, start, candidates, limit }: {
    readonly window: WindowName;
    readonly start: number;
    readonly candidates: readonly Candidate[];
    readonly limit: number;
  },
): Promise<SubredditItem[]> {
  const span = BASELINE_WINDOWS * WINDOWS[window];
  const retained = reading.manifest.retained_from[window];
  if (retained > 0 && start - span < retained) {
    throw new Problem(
      400,
      `A trend at ${formatTime(start)} needs the ${BASELINE_WINDOWS} windows before: the first ` +
        `"at" with all of them is ${formatTime(retained + span)}`,
    );
  }
  const baseline = new Map(candidates.map(({ subreddit }) => [subreddit, 0]));
  for await (
    const { subreddit, posts, comments } of activity(reading, window, start - span, start)
  ) {
    const sum = baseline.get(subreddit);
    if (sum !== undefined) baseline.set(subreddit, sum + posts + comments);
  }
  return candidates
    .map((candidate) => ({
      candidate,
      subreddit: candidate.subreddit,
      recent: candidate.posts + candidate.comments,
      baseline: baseline.get(candidate.subreddit)!,
    }))
    .sort(compareTrends)
    .slice(0, limit)
    .map(({ candidate, ...input }) => ({ ...toItem(candidate), trend: trendOf(input).trend }));
}

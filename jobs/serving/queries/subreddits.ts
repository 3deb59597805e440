/**
 * All subreddits of one window, by what they are sorted by.
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

/** What subreddits can be sorted by. */
export const SORTS = ["trending", "posts", "comments", "active_users"] as const;

/** What subreddits are sorted by. */
export type Sort = (typeof SORTS)[number];

/** A subreddit in one window. */
export interface SubredditItem {
  /** Its name, as it was written last. */
  readonly subreddit: string;
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
  /** Distinct authors of either. */
  readonly active_users: number;
  /**
   * The window's posts and comments over the mean of the 24 windows before; `null` where
   * those are empty. Only where it is sorted by.
   */
  readonly trend?: number | null;
}

/** Which subreddits are asked for. */
export interface SubredditsRequest {
  /** Size of the window. */
  readonly window: WindowName;
  /** What decides the order. */
  readonly sort: Sort;
  /** Most subreddits. */
  readonly limit: number;
  /** A time within the window; the latest window that holds anything where not given. */
  readonly at?: number | undefined;
}

/** Subreddits of one window. */
export interface SubredditList {
  /** Milliseconds since 1970; `null` where no window holds anything. */
  readonly window_start: number | null;
  /** Best first; subreddits without announcements in the window are left out. */
  readonly items: readonly SubredditItem[];
}

/** A subreddit's parts of the window in question. */
interface Candidate {
  readonly subreddit: string;
  readonly posts: number;
  readonly comments: number;
  readonly users: readonly string[];
}

/**
 * The first subreddits of a window; ties in the order of what names are compared by.
 *
 * @throws {Problem} 400 where the window, or one of those before it that a trend needs, is no
 * longer kept.
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
  // Distinct counts are dear: all of them only where they decide.
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

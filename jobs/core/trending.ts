/**
 * Trending: a window compared with the mean of the windows before it.
 *
 * @module
 */

import { compareUtf8 } from "./bytes.ts";

/** Number of preceding windows in the baseline. */
export const BASELINE_WINDOWS = 24;

/** A subreddit's announcements in a window, and in all baseline windows together. */
export interface TrendInput {
  /** Decides between equal trends. */
  readonly subreddit: string;
  /** Posts and comments of the window. */
  readonly recent: number;
  /** Posts and comments of the baseline windows, in sum. */
  readonly baseline: number;
}

/** A subreddit's trend: `recent / (baseline / 24)`, or `null` where the baseline is empty. */
export interface Trend extends TrendInput {
  /** 1 for a window like those before it. */
  readonly trend: number | null;
}

/** The trend of one subreddit. */
export function trendOf(input: TrendInput): Trend {
  const { baseline, recent } = input;
  return { ...input, trend: baseline === 0 ? null : recent * BASELINE_WINDOWS / baseline };
}

/**
 * Orders trends, strongest first; those without a baseline last. It compares products, not
 * quotients, so that rounding decides nothing.
 */
export function compareTrends(a: TrendInput, b: TrendInput): number {
  if ((a.baseline === 0) !== (b.baseline === 0)) return a.baseline === 0 ? 1 : -1;
  const left = a.baseline === 0 ? a.recent : a.recent * b.baseline;
  const right = b.baseline === 0 ? b.recent : b.recent * a.baseline;
  return right - left || b.recent - a.recent || compareUtf8(a.subreddit, b.subreddit);
}

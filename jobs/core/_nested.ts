/**
 * Windows nested in one another: a day holds hours, an hour holds minutes.
 *
 * @module
 */

import type { NumberRange } from "./_window_ranges.ts";
import { WINDOW_NAMES, type WindowName, WINDOWS } from "./time.ts";

/** Sizes from the day down: each window is tiled by those of the next size. */
export const NESTED: readonly WindowName[] = [...WINDOW_NAMES].reverse();
/** Index of the smallest size. */
export const FINEST = NESTED.length - 1;
/** The sizes in minutes. */
export const SIZES: readonly number[] = NESTED.map((name) => WINDOWS[name] / WINDOWS["1m"]);

/** A walk through subreddits for windows of one nesting level in a range, the latest first. */
export class Walk implements NumberRange {
  /** Number of the first window, inclusive. */
  readonly first: number;
  /** Number of the last window, exclusive. */
  readonly end: number;
  /** Numbers of the days that the range reaches into: inclusive, exclusive. */
  readonly firstDay: number;
  readonly endDay: number;
  /** The cells that were found. */
  readonly found: number[] = [];
  /** Number of found cells at which the walk through the current subreddit ends. */
  full = 0;

  /** A walk that has found nothing yet. */
  constructor(
    /** Index of the size. */
    readonly level: number,
    { first, end }: NumberRange,
    /** How many windows of one subreddit are wanted. */
    readonly most: number,
  ) {
    const tiles = SIZES[0]! / SIZES[level]!;
    this.first = first;
    this.end = end;
    this.firstDay = Math.floor(first / tiles);
    this.endDay = Math.ceil(end / tiles);
  }

  /** Whether a day may hold windows of the range. */
  reaches(day: number): boolean {
    return day >= this.firstDay && day < this.endDay;
  }
}

/**
 * Windows of one size by their numbers since 1970, and the first of many by their starts.
 *
 * @module
 */

import type { PartQuery } from "./query.ts";
import { type WindowName, WINDOWS } from "./time.ts";

/** The part of a query that concerns windows. */
export type WindowQuery = Pick<PartQuery, "window" | "from" | "to" | "order" | "limit">;

/** Numbers of windows: inclusive, exclusive. */
export interface NumberRange {
  /** First number, inclusive. */
  readonly first: number;
  /** Last number, exclusive. */
  readonly end: number;
}

/** The windows of a size that a query selects; none if it selects another size. */
export function numbersIn(
  window: WindowName,
  query: Pick<WindowQuery, "window" | "from" | "to">,
): NumberRange {
  if (query.window !== undefined && query.window !== window) return { first: 0, end: 0 };
  const size = WINDOWS[window];
  const { from = 0, to = Infinity } = query;
  return { first: Math.max(0, Math.ceil(from / size)), end: Math.ceil(to / size) };
}

/**
 * Of windows that a query selects, those that can be among its first `limit`: with ties there may
 * be more. All of them if it does not order by start.
 */
export function firstByStart<T>(
  windows: readonly T[],
  { order, limit }: WindowQuery,
  startOf: (window: T) => number,
): readonly T[] {
  if (windows.length <= limit || (order !== "window" && order !== "latest")) return windows;
  if (limit === 0) return [];
  const starts = Float64Array.from(windows, startOf).sort();
  if (order === "window") {
    const last = starts[limit - 1]!;
    return windows.filter((window) => startOf(window) <= last);
  }
  const last = starts[starts.length - limit]!;
  return windows.filter((window) => startOf(window) >= last);
}

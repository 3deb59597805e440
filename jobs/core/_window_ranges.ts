/**
 * Windows of one size by their numbers since 1970, and the first of many by their starts.
 *
 * @module
 */

import { firstOf } from "./_first.ts";
import { compareUtf8 } from "./bytes.ts";
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

/** How a table describes its windows, each of which it identifies by a number. */
export interface WindowTable {
  /** Milliseconds since 1970. */
  startOf(window: number): number;
  /** Size of the window. */
  sizeOf(window: number): WindowName;
  /** The key of the subreddit or user. */
  nameOf(window: number): string;
}

/**
 * Of windows that a query selects, the first `limit` in its order, in that order. All of them, in
 * the given order, if it does not order by start.
 */
export function firstWindows(
  windows: readonly number[],
  { order, limit }: WindowQuery,
  table: WindowTable,
): readonly number[] {
  if (order !== "window" && order !== "latest") return windows;
  const way = order === "window" ? 1 : -1;
  // Among documents with equal starts, ids are in the order of sizes, then of names.
  return firstOf(windows, limit, (a, b) =>
    way * (table.startOf(a) - table.startOf(b)) ||
    compareUtf8(table.sizeOf(a), table.sizeOf(b)) || compareUtf8(table.nameOf(a), table.nameOf(b)));
}

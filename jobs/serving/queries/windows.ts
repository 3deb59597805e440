/**
 * Determines the windows of a request: explicit bounds are checked, missing ones follow from the
 * latest window in the view.
 *
 * @module
 */

import { formatTime, type WindowName, WINDOWS, windowStart } from "@pipeline/core";
import type { Manifest, PartQuery } from "@pipeline/protocol";
import { Problem } from "../problem.ts";

/** Most windows of one answer. */
export const MAX_WINDOWS = 1500;

/** Number of windows of an answer without bounds: an hour, two days, a month. */
export const DEFAULT_WINDOWS: Readonly<Record<WindowName, number>> = {
  "1m": 60,
  "1h": 48,
  "1d": 31,
};

/** A range of event time in a request, milliseconds since 1970. */
export interface RangeRequest {
  /** Size of the windows. */
  readonly window: WindowName;
  /** First window start, inclusive. */
  readonly from?: number | undefined;
  /** Last window start, exclusive. */
  readonly to?: number | undefined;
}

/** A range of window starts: inclusive, exclusive. */
export interface Range {
  /** First window start, inclusive. */
  readonly from: number;
  /** Last window start, exclusive. */
  readonly to: number;
}

/** The generation's start of retention. */
type Retention = Pick<Manifest, "retained_from">;

/**
 * The part of a query that finds every window of a range in one question: where the range has no
 * end, the latest windows, as many as it may have.
 *
 * @throws {Problem} 400 as {@linkcode resolveRange} does, as far as the bounds are given.
 */
export function rangeQuery(
  retention: Retention,
  request: RangeRequest,
): Pick<PartQuery, "window" | "from" | "to" | "order" | "limit"> {
  const { window, from, to } = request;
  if (to !== undefined) {
    const range = resolveRange(retention, request, undefined);
    return { window, ...range, order: "window", limit: MAX_WINDOWS };
  }
  if (from === undefined) return { window, order: "latest", limit: DEFAULT_WINDOWS[window] };
  refuseRetired(`"from"`, { time: from, window, retained: retention.retained_from[window] });
  return { window, from, order: "latest", limit: MAX_WINDOWS };
}

/**
 * Completes a range.
 *
 * @param latest start of the latest window in the view, if it has any; needed only if `to` is
 * missing.
 * @throws {Problem} 400 if the range is empty, too long or older than the retention.
 */
export function resolveRange(
  { retained_from }: Retention,
  request: RangeRequest,
  latest: number | undefined,
): Range {
  const { window, from, to } = request;
  const size = WINDOWS[window];
  const retained = retained_from[window];
  if (from !== undefined) refuseRetired(`"from"`, { time: from, window, retained });
  if (to !== undefined) refuseRetired(`"to"`, { time: to, window, retained });
  const end = to ?? (latest ?? from ?? retained) + size;
  if (from === undefined) {
    return { from: Math.max(retained, 0, end - DEFAULT_WINDOWS[window] * size), to: end };
  }
  if (to !== undefined && to <= from) {
    throw new Problem(400, `"to" (${formatTime(to)}) must be after "from" (${formatTime(from)})`);
  }
  const windows = Math.ceil((end - from) / size);
  if (windows > MAX_WINDOWS) {
    throw new Problem(
      400,
      `The range from ${formatTime(from)} to ${formatTime(end)} has ${windows} windows of ` +
        `${window}: at most ${MAX_WINDOWS} are allowed`,
    );
  }
  return { from, to: Math.max(end, from) };
}

/** Documents of a range by window, in ascending order. */
export function byWindow<D extends { readonly window_start: number }>(
  documents: readonly D[],
  { from, to }: Range,
): (readonly [start: number, parts: D[]])[] {
  const inRange = documents.filter((d) => d.window_start >= from && d.window_start < to);
  return [...Map.groupBy(inRange, (d) => d.window_start)].sort(([a], [b]) => a - b);
}

/** The latest window of documents, if there are any. */
export function latestOf(
  documents: Iterable<{ readonly window_start: number }>,
): number | undefined {
  let latest: number | undefined;
  for (const { window_start: start } of documents) {
    if (latest === undefined || start > latest) latest = start;
  }
  return latest;
}

/** Whether there is an announcement: a stored count may have been taken back to zero. */
export function isCounted(
  { posts, comments }: { readonly posts: number; readonly comments: number },
): boolean {
  return posts + comments > 0;
}

/** Refuses a time whose window is no longer retained. */
export function refuseRetired(
  name: string,
  { time, window, retained }: {
    readonly time: number;
    readonly window: WindowName;
    readonly retained: number;
  },
): void {
  if (windowStart(time, WINDOWS[window]) >= retained) return;
  throw new Problem(
    400,
    `${name} is ${formatTime(time)}: windows of ${window} are kept from ${formatTime(retained)}`,
  );
}

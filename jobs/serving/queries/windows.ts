/**
 * Determines the windows of a request: explicit bounds are checked, missing ones follow from the
 * latest window in the view.
 *
 * @module
 */

import { formatTime, type WindowName, WINDOWS, windowStart } from "@pipeline/core";
import { Problem } from "../problem.ts";
import type { Reading } from "./reading.ts";

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

/** The start of the latest window in a view, if it has any. */
export async function latestWindow(
  reading: Reading,
  filter:
    | { readonly type: "activity"; readonly window: WindowName; readonly subreddit?: string }
    | { readonly type: "user_window"; readonly window: WindowName; readonly user_id: string },
): Promise<number | undefined> {
  const query = { ...filter, order: "latest", limit: 1 } as const;
  const [document] = query.type === "activity"
    ? await reading.page("subreddit_activity", query)
    : await reading.page("user_activity", query);
  return document?.body.window_start;
}

/**
 * Completes a range.
 *
 * @param latest start of the latest window in the view; called only if `to` is missing.
 * @throws {Problem} 400 if the range is empty, too long or older than the retention.
 */
export async function resolveRange(
  reading: Reading,
  request: RangeRequest,
  latest: () => Promise<number | undefined>,
): Promise<Range> {
  const { window, from, to } = request;
  const size = WINDOWS[window];
  const retained = reading.manifest.retained_from[window];
  if (from !== undefined) refuseRetired(`"from"`, { time: from, window, retained });
  if (to !== undefined) refuseRetired(`"to"`, { time: to, window, retained });
  const end = to ?? ((await latest()) ?? from ?? retained) + size;
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

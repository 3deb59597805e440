/**
 * Which windows a generation keeps. It follows from the data and from the previous generation,
 * never from a clock.
 *
 * @module
 */

import {
  RETAIN_ALL,
  type RetainedFrom,
  WINDOW_NAMES,
  type WindowName,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import type { DayState } from "./state.ts";

/**
 * Retention of windows of each size in milliseconds, back from the latest event; 0 means for ever.
 */
export interface Retention {
  /** Windows of a minute. */
  readonly minutes: number;
  /** Windows of an hour. */
  readonly hours: number;
  /** Windows of a day. */
  readonly days: number;
}

/** The first retained window of each size, from the latest event and the previous retention. */
export function retainedFrom(
  days: readonly Pick<DayState, "latest">[],
  { minutes, hours, days: daily }: Retention,
  before: RetainedFrom = RETAIN_ALL,
): RetainedFrom {
  const latest = days.reduce((max, day) => Math.max(max, day.latest), -1);
  const from = {} as Record<WindowName, number>;
  const retention: Record<WindowName, number> = { "1m": minutes, "1h": hours, "1d": daily };
  let larger = 0;
  for (const name of [...WINDOW_NAMES].reverse()) {
    const kept = retention[name];
    const start = kept === 0 || latest < kept ? 0 : windowStart(latest - kept, WINDOWS[name]);
    larger = from[name] = Math.max(start, before[name], larger);
  }
  return from;
}

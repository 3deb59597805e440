/**
 * Which windows a generation keeps. It follows from the data and from the generation
 * before, never from a clock.
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

/** Milliseconds that windows of each size are kept, back from the latest event; 0 for ever. */
export type Retention = Readonly<Record<WindowName, number>>;

/** The first window of each size that is kept, given the latest event and what was kept before. */
export function retainedFrom(
  days: readonly Pick<DayState, "latest">[],
  retention: Retention,
  before: RetainedFrom = RETAIN_ALL,
): RetainedFrom {
  const latest = days.reduce((max, day) => Math.max(max, day.latest), -1);
  const from = {} as Record<WindowName, number>;
  let larger = 0;
  for (const name of [...WINDOW_NAMES].reverse()) {
    const kept = retention[name];
    const start = kept === 0 || latest < kept ? 0 : windowStart(latest - kept, WINDOWS[name]);
    larger = from[name] = Math.max(start, before[name], larger);
  }
  return from;
}

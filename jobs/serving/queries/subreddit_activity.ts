/**
 * One subreddit's activity, window by window.
 *
 * @module
 */

import { type Activity, type ActivityDocument, mergeActivity } from "@pipeline/core";
import type { Reading } from "./reading.ts";
import { latestWindow, type RangeRequest, resolveRange } from "./windows.ts";

/** Activity in one window. */
export interface ActivityItem extends Activity {
  /** Milliseconds since 1970. */
  readonly window_start: number;
}

/**
 * A subreddit's activity in ascending order of windows, without empty windows.
 *
 * @param request.subreddit the key of its name.
 */
export async function subredditActivity(
  reading: Reading,
  request: RangeRequest & { readonly subreddit: string },
): Promise<ActivityItem[]> {
  const { subreddit, window } = request;
  const range = await resolveRange(
    reading,
    request,
    () => latestWindow(reading, { type: "activity", subreddit, window }),
  );
  const documents = reading.all("subreddit_activity", {
    type: "activity",
    subreddit,
    window,
    ...range,
    order: "window",
  });
  const items: ActivityItem[] = [];
  for await (const parts of byWindow(documents)) {
    items.push({ window_start: parts[0]!.window_start, ...mergeActivity(parts) });
  }
  return items;
}

/** Groups documents that arrive in the order of windows. */
export async function* byWindow<D extends Pick<ActivityDocument, "window_start">>(
  documents: AsyncIterable<D>,
): AsyncGenerator<D[]> {
  let group: D[] = [];
  for await (const document of documents) {
    if (group.length > 0 && group[0]!.window_start !== document.window_start) {
      yield group;
      group = [];
    }
    group.push(document);
  }
  if (group.length > 0) yield group;
}

/**
 * Documents of the views as questions name them.
 *
 * @module
 */

import type { ActivityDocument, Topic, ViewDocument, ViewName } from "@pipeline/core";
import { PARTS_BOUNDS, type SubredditTotal } from "@pipeline/protocol";

/** A view document of one type. */
export type DocumentOf<T extends ViewDocument["type"]> = Extract<ViewDocument, { type: T }>;

/** The topics whose parts hold documents of a view. */
export const TOPICS_OF: Readonly<Record<ViewName, readonly Topic[]>> = {
  top_posts: ["reddit.posts"],
  subreddit_activity: ["reddit.posts", "reddit.comments"],
  user_activity: ["reddit.posts", "reddit.comments", "reddit.users"],
};

/** Sums by subreddit: of documents, or of sums. */
export function sumBySubreddit(
  counted: Iterable<Pick<ActivityDocument, "subreddit" | "posts" | "comments">>,
): SubredditTotal[] {
  const sums = new Map<string, { subreddit: string; posts: number; comments: number }>();
  for (const { subreddit, posts, comments } of counted) {
    const sum = sums.get(subreddit);
    if (sum === undefined) {
      sums.set(subreddit, { subreddit, posts, comments });
    } else {
      sum.posts += posts;
      sum.comments += comments;
    }
  }
  return [...sums.values()];
}

/** Bytes of a request besides its keys. */
const FRAME_BYTES = 8_192;

const encoder = new TextEncoder();

/**
 * The first items, as many as one request can hold the keys of.
 *
 * @param options.beside number of other keys in the request.
 */
export function fitting<T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
  { beside = 0 }: { readonly beside?: number } = {},
): T[] {
  let keys = beside;
  let bytes = 0;
  const end = items.findIndex((item) => {
    for (const key of keysOf(item)) {
      keys++;
      bytes += encoder.encode(JSON.stringify(key)).length + 1;
    }
    return keys > PARTS_BOUNDS.keys || bytes > PARTS_BOUNDS.body - FRAME_BYTES;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}

/**
 * The generator's HTTP requests to the serving layer.
 *
 * @module
 */

import type { Post } from "@pipeline/core";

/** Most posts of a subreddit that the API returns. */
const MOST = 100;

/** Milliseconds to wait for an answer. */
const TIMEOUT = 5_000;

/**
 * Creates a function that checks whether the API shows a post among the best of its subreddit.
 * While the API does not answer, the result is false.
 *
 * @param url of the API, e.g. `http://serving:80`.
 */
export function showsPost(url: string): (post: Post) => Promise<boolean> {
  return async ({ subreddit, post_id }) => {
    const path = `/v1/subreddits/${encodeURIComponent(subreddit)}/top?k=${MOST}`;
    try {
      const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(TIMEOUT) });
      const answer = await response.json() as { readonly items?: readonly Pick<Post, "post_id">[] };
      return response.ok && answer.items?.some((item) => item.post_id === post_id) === true;
    } catch {
      return false;
    }
  };
}

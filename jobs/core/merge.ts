/**
 * How the parts of a key are merged on reading.
 *
 * @module
 */

import { countUnion, Distinct } from "./distinct.ts";
import type {
  ActivityDocument,
  CutDocument,
  PostDocument,
  UserTotalDocument,
  UserWindowDocument,
} from "./documents.ts";
import { mergeSpellings, NO_SPELLING } from "./names.ts";
import { comparePostVersions, compareRank, compareUserVersions } from "./versions.ts";

/** A subreddit's activity in one window, all parts together. */
export interface Activity {
  /** Announced posts. */
  readonly posts: number;
  /** Announced comments whose subreddit is known. */
  readonly comments: number;
  /** Distinct authors of either: exact up to `EXACT_LIMIT`, then an estimate. */
  readonly active_users: number;
}

/** Merges the parts of one subreddit and window. */
export function mergeActivity(
  parts: readonly Pick<ActivityDocument, "posts" | "comments" | "users">[],
): Activity {
  return {
    ...mergeCounts(parts),
    active_users: countUnion(parts.map((part) => part.users)),
  };
}

/** Merges the parts of one user and window; also the sums of anything with these counts. */
export function mergeCounts(
  parts: readonly Pick<UserWindowDocument, "posts" | "comments">[],
): { posts: number; comments: number } {
  let posts = 0;
  let comments = 0;
  for (const part of parts) {
    posts += part.posts;
    comments += part.comments;
  }
  return { posts, comments };
}

/** Totals of a user, all parts merged. */
export type UserTotal = Omit<UserTotalDocument, "type" | "part" | "user_id">;

/** The totals of an unknown user. */
export const NO_USER: UserTotal = {
  ...NO_SPELLING,
  posts: 0,
  comments: 0,
  subreddits: "",
  last_active: -1,
  karma_timestamp: -1,
  karma: 0,
  username: "",
};

/** Merges the parts of one user's totals. */
export function mergeUserTotals(parts: readonly UserTotal[]): UserTotal {
  if (parts.length === 0) return NO_USER;
  const subreddits = new Distinct();
  let last_active = -1;
  let account: Pick<UserTotal, "karma_timestamp" | "karma" | "username"> = NO_USER;
  for (const part of parts) {
    subreddits.addStored(part.subreddits);
    last_active = Math.max(last_active, part.last_active);
    if (compareUserVersions(part, account) > 0) account = part;
  }
  return {
    ...mergeSpellings(parts),
    ...mergeCounts(parts),
    subreddits: subreddits.toString(),
    last_active,
    karma_timestamp: account.karma_timestamp,
    karma: account.karma,
    username: account.username,
  };
}

/** The best posts of one subreddit. */
export interface TopPosts {
  /** At most `k`, best first. */
  readonly items: readonly PostDocument[];
  /**
   * Proves that no other post belongs among the items, provided that every post that was not passed
   * in ranks below them in both layers.
   */
  readonly exact: boolean;
}

/**
 * Merges the layers' versions of a subreddit's posts and takes the best `k`.
 *
 * The answer is exact if batch cut nothing. If it did, the k-th post must rank above the last kept
 * one, and each item that only speed knows must have a `timestamp` beyond all that batch folded;
 * otherwise a later version of it may be among the cut posts.
 */
export function mergeTop(
  k: number,
  batch: readonly PostDocument[],
  speed: readonly PostDocument[],
  cut?: CutDocument,
): TopPosts {
  const latest = new Map<string, PostDocument>();
  for (const documents of [batch, speed]) {
    for (const post of documents) {
      const known = latest.get(post.post_id);
      if (known === undefined || comparePostVersions(post, known) > 0) {
        latest.set(post.post_id, post);
      }
    }
  }
  const items = [...latest.values()].sort(compareRank).slice(0, k);
  if (cut === undefined) return { items, exact: true };
  const last = items[k - 1];
  if (last === undefined || compareRank(last, cut) > 0) return { items, exact: false };
  const kept = new Set(batch.map((post) => post.post_id));
  const exact = items.every((post) => kept.has(post.post_id) || post.timestamp > cut.timestamp);
  return { items, exact };
}

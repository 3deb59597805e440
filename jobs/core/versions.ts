/**
 * The total order of an entity's versions: by `timestamp`, which is when the entity was in the
 * stored state (`asOf` of its record), then by the canonical JSON of what the view stores, in UTF-8
 * order. Never by arrival.
 *
 * @module
 */

import { canonicalJson, compareUtf8 } from "./bytes.ts";
import type { PostDocument, UserTotalDocument } from "./documents.ts";

/** The fields of a post in the top posts view. */
export type PostVersion = Omit<PostDocument, "type" | "part">;

/** The fields of a user record in the user activity view. */
export type UserVersion = Pick<UserTotalDocument, "karma" | "karma_timestamp" | "username">;

/** Compares two versions of one post; 0 only if they are equal to the view. */
export function comparePostVersions(a: PostVersion, b: PostVersion): number {
  return a.timestamp - b.timestamp || compareUtf8(postBytes(a), postBytes(b));
}

function postBytes(post: PostVersion): string {
  const { subreddit, post_id, title, user_id, score, num_comments, created_utc, timestamp } = post;
  return canonicalJson({
    subreddit,
    post_id,
    title,
    user_id,
    score,
    num_comments,
    created_utc,
    timestamp,
  });
}

/** Compares two versions of one account; 0 only if they are equal to the view. */
export function compareUserVersions(a: UserVersion, b: UserVersion): number {
  return a.karma_timestamp - b.karma_timestamp || compareUtf8(userBytes(a), userBytes(b));
}

function userBytes(user: UserVersion): string {
  const { karma, username } = user;
  return canonicalJson({ karma, username });
}

/** The fields that determine a post's rank. */
export type Ranked = Pick<PostDocument, "score" | "created_utc" | "post_id">;

/**
 * The order of top posts, best first: greater score, then later `created_utc`,
 * then greater id.
 */
export function compareRank(a: Ranked, b: Ranked): number {
  return b.score - a.score || b.created_utc - a.created_utc || compareUtf8(b.post_id, a.post_id);
}

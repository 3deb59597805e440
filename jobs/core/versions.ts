/**
 * The total order of an entity's versions: by `timestamp`, which is when the entity was seen as it is
 * stored (`asOf` of its record), then by the canonical JSON of what the view stores of it, in UTF-8
 * order. Never by arrival.
 *
 * @module
 */

import { canonicalJson, compareUtf8 } from "./bytes.ts";
import type { PostDocument, UserTotalDocument } from "./documents.ts";

/** What the top posts view stores of a post. */
export type PostVersion = Omit<PostDocument, "type" | "part">;

/** What the user activity view stores of a user record. */
export type UserVersion = Pick<UserTotalDocument, "karma" | "karma_timestamp" | "username">;

/** Orders two versions of one post; 0 only where the view cannot tell them apart. */
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

/** Orders two versions of one account; 0 only where the view cannot tell them apart. */
export function compareUserVersions(a: UserVersion, b: UserVersion): number {
  return a.karma_timestamp - b.karma_timestamp || compareUtf8(userBytes(a), userBytes(b));
}

function userBytes(user: UserVersion): string {
  const { karma, username } = user;
  return canonicalJson({ karma, username });
}

/** What decides how a post stands among others. */
export type Ranked = Pick<PostDocument, "score" | "created_utc" | "post_id">;

/**
 * The order of top posts, best first: greater score, then later `created_utc`,
 * then greater id.
 */
export function compareRank(a: Ranked, b: Ranked): number {
  return b.score - a.score || b.created_utc - a.created_utc || compareUtf8(b.post_id, a.post_id);
}

/**
 * The stored form of the views: what a document of the serving store holds, what
 * its id is, and how a document's fields are typed.
 *
 * A key's value is spread over *parts*: one written by batch, and one a
 * topic-partition written by speed. No document is written by both layers.
 *
 * @module
 */

import type { WindowName } from "./time.ts";

/** The views, by the name that their aliases carry. */
export const VIEWS = ["top_posts", "subreddit_activity", "user_activity"] as const;

/** A view. */
export type ViewName = (typeof VIEWS)[number];

/** The alias under which a view is served, e.g. `views_top_posts_v1`. */
export function viewAlias(view: ViewName): string {
  return `views_${view}_v1`;
}

/** The index that holds a view in one generation, e.g. `views_top_posts_v1-000042`. */
export function viewIndex(view: ViewName, generation: number): string {
  return `${viewAlias(view)}-${String(generation).padStart(6, "0")}`;
}

/** Who wrote a document: `batch`, or a topic-partition such as `reddit.posts-0`. */
export type Part = string;

/** The part that batch writes. */
export const BATCH_PART: Part = "batch";

/** One post, as the latest version that the part has folded. Times in milliseconds. */
export interface PostDocument {
  readonly type: "post";
  readonly part: Part;
  readonly subreddit: string;
  readonly post_id: string;
  readonly title: string;
  readonly user_id: string;
  readonly score: number;
  readonly num_comments: number;
  readonly created_utc: number;
  readonly timestamp: number;
}

/**
 * Says that batch kept only a subreddit's best posts: the rank of the last one
 * kept, and the greatest `timestamp` that batch folded for the subreddit.
 */
export interface CutDocument {
  readonly type: "cut";
  readonly part: Part;
  readonly subreddit: string;
  readonly post_id: string;
  readonly score: number;
  readonly created_utc: number;
  readonly timestamp: number;
}

/** Announcements of one subreddit in one window. */
export interface ActivityDocument {
  readonly type: "activity";
  readonly part: Part;
  readonly subreddit: string;
  readonly window: WindowName;
  readonly window_start: number;
  readonly posts: number;
  readonly comments: number;
  /** The part's own count of distinct authors, for readers that cannot merge `users`. */
  readonly active_users: number;
  /** Distinct authors in their stored form (see `distinct.ts`). */
  readonly users: string;
}

/** Announcements of one user in one window. */
export interface UserWindowDocument {
  readonly type: "user_window";
  readonly part: Part;
  readonly user_id: string;
  readonly window: WindowName;
  readonly window_start: number;
  readonly posts: number;
  readonly comments: number;
}

/** What is known of one user over all time. */
export interface UserTotalDocument {
  readonly type: "user_total";
  readonly part: Part;
  readonly user_id: string;
  readonly posts: number;
  readonly comments: number;
  /** Distinct subreddits in their stored form (see `distinct.ts`). */
  readonly subreddits: string;
  /** Latest `created_utc` of an announcement by the user; -1 where there is none. */
  readonly last_active: number;
  /** `timestamp` of the user record that `karma` and `username` come from; -1 where there is none. */
  readonly karma_timestamp: number;
  readonly karma: number;
  readonly username: string;
}

/** A document of any view. */
export type ViewDocument =
  | PostDocument
  | CutDocument
  | ActivityDocument
  | UserWindowDocument
  | UserTotalDocument;

/** The view that a document belongs to. */
export function viewOf(document: ViewDocument): ViewName {
  switch (document.type) {
    case "post":
    case "cut":
      return "top_posts";
    case "activity":
      return "subreddit_activity";
    case "user_window":
    case "user_total":
      return "user_activity";
  }
}

/**
 * The document's id within its view and generation: part, window and key, each
 * but the last free of the separator.
 */
export function documentId(document: ViewDocument): string {
  switch (document.type) {
    case "post":
      return postDocumentId(document.part, document.subreddit, document.post_id);
    case "cut":
      return cutDocumentId(document.part, document.subreddit);
    case "activity":
      return activityDocumentId(
        document.part,
        document.window,
        document.window_start,
        document.subreddit,
      );
    case "user_window":
      return userWindowDocumentId(
        document.part,
        document.window,
        document.window_start,
        document.user_id,
      );
    case "user_total":
      return userTotalDocumentId(document.part, document.user_id);
  }
}

/** Id of a post's document. */
export function postDocumentId(part: Part, subreddit: string, postId: string): string {
  return `${part}|post|${encodeURIComponent(subreddit)}|${postId}`;
}

/** Id of the document that says a subreddit's posts were cut. */
export function cutDocumentId(part: Part, subreddit: string): string {
  return `${part}|cut|${subreddit}`;
}

/** Id of a subreddit's activity in one window. */
export function activityDocumentId(
  part: Part,
  window: WindowName,
  start: number,
  subreddit: string,
): string {
  return `${part}|${window}|${start}|${subreddit}`;
}

/** Id of a user's activity in one window. */
export function userWindowDocumentId(
  part: Part,
  window: WindowName,
  start: number,
  userId: string,
): string {
  return `${part}|${window}|${start}|${userId}`;
}

/** Id of a user's totals. */
export function userTotalDocumentId(part: Part, userId: string): string {
  return `${part}|total|${userId}`;
}

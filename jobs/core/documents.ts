/**
 * The stored form of the views: what a document of the serving store holds, what
 * its id is, and how a document's fields are typed.
 *
 * A key's value is spread over *parts*: one written by batch, and one a
 * topic-partition written by speed. No document is written by both layers.
 *
 * Where a subreddit or a user is a key, or a part of one, it is the `nameKey` of the name.
 *
 * @module
 */

import type { Spelling } from "./names.ts";
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
  /** Tells the documents of a view apart. */
  readonly type: "post";
  /** Who wrote the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly subreddit: string;
  /** Second part of the key. */
  readonly post_id: string;
  /** As of `timestamp`, like all below. */
  readonly title: string;
  /** The author, no key here: spelled as this version has it. */
  readonly user_id: string;
  /** First in the order of top posts. */
  readonly score: number;
  /** What the producer said. */
  readonly num_comments: number;
  /** Second in the order of top posts. */
  readonly created_utc: number;
  /** When the post looked like this, `asOf` its record: first in the order of versions. */
  readonly timestamp: number;
}

/**
 * Says that batch kept only a subreddit's best posts: the rank of the last one
 * kept, and the greatest `timestamp` that batch folded for the subreddit.
 */
export interface CutDocument {
  /** Tells the documents of a view apart. */
  readonly type: "cut";
  /** Always {@linkcode BATCH_PART}. */
  readonly part: Part;
  /** The key. */
  readonly subreddit: string;
  /** Of the last post that was kept, like `score` and `created_utc`. */
  readonly post_id: string;
  /** Of the last post that was kept. */
  readonly score: number;
  /** Of the last post that was kept, in milliseconds. */
  readonly created_utc: number;
  /** Greatest of all posts that were folded, those that were cut included; milliseconds. */
  readonly timestamp: number;
}

/**
 * Says that records name a subreddit, and how it is spelled. There is one in each part that has
 * anything of a subreddit.
 */
export interface SubredditDocument extends Spelling {
  /** Tells the documents of a view apart. */
  readonly type: "subreddit";
  /** Who wrote the document. */
  readonly part: Part;
  /** The key. */
  readonly subreddit: string;
}

/** Announcements of one subreddit in one window. */
export interface ActivityDocument {
  /** Tells the documents of a view apart. */
  readonly type: "activity";
  /** Who wrote the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly subreddit: string;
  /** Second part of the key. */
  readonly window: WindowName;
  /** Third part of the key: milliseconds, a multiple of the window's size. */
  readonly window_start: number;
  /** Announced posts; a sum over parts is right. */
  readonly posts: number;
  /** Announced comments; a sum over parts is right. */
  readonly comments: number;
  /** The part's own count of distinct authors, for readers that cannot merge `users`. */
  readonly active_users: number;
  /** Distinct authors in their stored form (see `distinct.ts`). */
  readonly users: string;
}

/** Announcements of one user in one window. */
export interface UserWindowDocument {
  /** Tells the documents of a view apart. */
  readonly type: "user_window";
  /** Who wrote the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly user_id: string;
  /** Second part of the key. */
  readonly window: WindowName;
  /** Third part of the key: milliseconds, a multiple of the window's size. */
  readonly window_start: number;
  /** Announced posts; a sum over parts is right. */
  readonly posts: number;
  /** Announced comments, also those of an unknown subreddit. */
  readonly comments: number;
}

/**
 * What is known of one user over all time. There is one in each part that has anything of a user, if it
 * is only a post's later version.
 */
export interface UserTotalDocument extends Spelling {
  /** Tells the documents of a view apart. */
  readonly type: "user_total";
  /** Who wrote the document. */
  readonly part: Part;
  /** The key. */
  readonly user_id: string;
  /** Announced posts; a sum over parts is right. */
  readonly posts: number;
  /** Announced comments, also those of an unknown subreddit. */
  readonly comments: number;
  /** Distinct subreddits in their stored form (see `distinct.ts`). */
  readonly subreddits: string;
  /** Latest `created_utc` of an announcement by the user; -1 where there is none. */
  readonly last_active: number;
  /** `asOf` the user record that `karma` and `username` come from; -1 where there is none. */
  readonly karma_timestamp: number;
  /** 0 where there is no user record. */
  readonly karma: number;
  /** Empty where there is no user record. */
  readonly username: string;
}

/** A document of any view. */
export type ViewDocument =
  | PostDocument
  | CutDocument
  | SubredditDocument
  | ActivityDocument
  | UserWindowDocument
  | UserTotalDocument;

/** The view that a document belongs to. */
export function viewOf(document: ViewDocument): ViewName {
  switch (document.type) {
    case "post":
    case "cut":
      return "top_posts";
    case "subreddit":
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
    case "subreddit":
      return subredditDocumentId(document.part, document.subreddit);
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

/** Id of the document that says how a subreddit is spelled. */
export function subredditDocumentId(part: Part, subreddit: string): string {
  return `${part}|name|${subreddit}`;
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

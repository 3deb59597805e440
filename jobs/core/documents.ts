/**
 * The stored form of the views: the documents of the serving store, and the types of their fields.
 * Their ids are in `document_keys.ts`.
 *
 * A key's value is spread over *parts*: one written by batch, and one per topic-partition written
 * by speed. No document is written by both layers.
 *
 * Where a subreddit or a user is (part of) a key, it is the `nameKey` of the name.
 *
 * @module
 */

import type { Spelling } from "./names.ts";
import type { WindowName } from "./time.ts";

/** The views, by the name that their aliases contain. */
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

/** The writer of a document: `batch`, or a topic-partition such as `reddit.posts-0`. */
export type Part = string;

/** The part written by batch. */
export const BATCH_PART: Part = "batch";

/** One post, in the latest version that the part has folded. Times in milliseconds. */
export interface PostDocument {
  /** Discriminates the documents of a view. */
  readonly type: "post";
  /** The writer of the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly subreddit: string;
  /** Second part of the key. */
  readonly post_id: string;
  /** As of `timestamp`, like all below. */
  readonly title: string;
  /** The author, not a key here: spelled as in this version. */
  readonly user_id: string;
  /** First in the order of top posts. */
  readonly score: number;
  /** As reported by the producer. */
  readonly num_comments: number;
  /** Second in the order of top posts. */
  readonly created_utc: number;
  /** When the post was in this state, `asOf` its record: first in the order of versions. */
  readonly timestamp: number;
}

/**
 * Records that batch kept only a subreddit's best posts: the rank of the last one kept, and the
 * greatest `timestamp` that batch folded for the subreddit.
 */
export interface CutDocument {
  /** Discriminates the documents of a view. */
  readonly type: "cut";
  /** Always {@linkcode BATCH_PART}. */
  readonly part: Part;
  /** The key. */
  readonly subreddit: string;
  /** Id of the last kept post, like `score` and `created_utc`. */
  readonly post_id: string;
  /** Score of the last kept post. */
  readonly score: number;
  /** Creation of the last kept post, in milliseconds. */
  readonly created_utc: number;
  /** Greatest of all folded posts, including those that were cut; milliseconds. */
  readonly timestamp: number;
}

/**
 * Records that a subreddit exists, and its spelling. Each part that has anything of a subreddit has
 * one.
 */
export interface SubredditDocument extends Spelling {
  /** Discriminates the documents of a view. */
  readonly type: "subreddit";
  /** The writer of the document. */
  readonly part: Part;
  /** The key. */
  readonly subreddit: string;
}

/** Announcements of one subreddit in one window. */
export interface ActivityDocument {
  /** Discriminates the documents of a view. */
  readonly type: "activity";
  /** The writer of the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly subreddit: string;
  /** Second part of the key. */
  readonly window: WindowName;
  /** Third part of the key: milliseconds, a multiple of the window's size. */
  readonly window_start: number;
  /** Announced posts; parts may be summed. */
  readonly posts: number;
  /** Announced comments; parts may be summed. */
  readonly comments: number;
  /** The part's own count of distinct authors, for readers that cannot merge `users`. */
  readonly active_users: number;
  /** Distinct authors in their stored form (see `distinct.ts`). */
  readonly users: string;
}

/** Announcements of one user in one window. */
export interface UserWindowDocument {
  /** Discriminates the documents of a view. */
  readonly type: "user_window";
  /** The writer of the document. */
  readonly part: Part;
  /** First part of the key. */
  readonly user_id: string;
  /** Second part of the key. */
  readonly window: WindowName;
  /** Third part of the key: milliseconds, a multiple of the window's size. */
  readonly window_start: number;
  /** Announced posts; parts may be summed. */
  readonly posts: number;
  /** Announced comments, including those of an unknown subreddit. */
  readonly comments: number;
}

/**
 * Totals of one user over all time. Each part that has anything of a user has one, even if that is
 * only a later version of a post.
 */
export interface UserTotalDocument extends Spelling {
  /** Discriminates the documents of a view. */
  readonly type: "user_total";
  /** The writer of the document. */
  readonly part: Part;
  /** The key. */
  readonly user_id: string;
  /** Announced posts; parts may be summed. */
  readonly posts: number;
  /** Announced comments, including those of an unknown subreddit. */
  readonly comments: number;
  /** Distinct subreddits in their stored form (see `distinct.ts`). */
  readonly subreddits: string;
  /** Latest `created_utc` of an announcement by the user; -1 if there is none. */
  readonly last_active: number;
  /** `asOf` the user record that `karma` and `username` come from; -1 if there is none. */
  readonly karma_timestamp: number;
  /** 0 if there is no user record. */
  readonly karma: number;
  /** Empty if there is no user record. */
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

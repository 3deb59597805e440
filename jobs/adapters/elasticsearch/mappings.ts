/**
 * How the fields of the views' documents are indexed. The compiler keeps the fields equal to those
 * of `@pipeline/core`; the server rejects any other (`dynamic: strict`).
 *
 * @module
 */

import type {
  ActivityDocument,
  CutDocument,
  PostDocument,
  SubredditDocument,
  UserTotalDocument,
  UserWindowDocument,
  ViewName,
} from "@pipeline/core";

/** A field's mapping, in the server's form. */
export type FieldMapping = Readonly<Record<string, unknown>>;

/** Keys of all members of a union. */
type Keys<D> = D extends unknown ? keyof D : never;

/** A mapping for each field of a view's documents. */
type Fields<D> = Readonly<Record<Keys<D>, FieldMapping>>;

/** Text for exact filters. */
const filtered: FieldMapping = { type: "keyword", doc_values: false };
/** Text for filters or groups. */
const grouped: FieldMapping = { type: "keyword" };
/** Text for sorting, in the order of its UTF-8 bytes. */
const ordering: FieldMapping = { type: "keyword", index: false };
/** Text that is only returned; of any length. */
const kept: FieldMapping = { type: "keyword", index: false, doc_values: false };
/** An integer for sorting or sums. */
const number: FieldMapping = { type: "long", index: false };
/** A time in milliseconds for filters and sorting; a date for charts. */
const time: FieldMapping = { type: "date", format: "epoch_millis" };
/** A time for sorting only. */
const orderingTime: FieldMapping = { ...time, index: false };

const TOP_POSTS: Fields<PostDocument | CutDocument> = {
  type: filtered,
  part: grouped,
  subreddit: grouped,
  post_id: ordering,
  title: kept,
  user_id: filtered,
  score: number,
  num_comments: number,
  created_utc: orderingTime,
  timestamp: number,
};

const SUBREDDIT_ACTIVITY: Fields<ActivityDocument | SubredditDocument> = {
  type: filtered,
  part: grouped,
  subreddit: grouped,
  name: kept,
  name_timestamp: number,
  window: grouped,
  window_start: time,
  posts: number,
  comments: number,
  active_users: number,
  users: kept,
};

const USER_ACTIVITY: Fields<UserWindowDocument | UserTotalDocument> = {
  type: filtered,
  part: grouped,
  user_id: grouped,
  name: kept,
  name_timestamp: number,
  window: grouped,
  window_start: time,
  posts: number,
  comments: number,
  subreddits: kept,
  last_active: number,
  karma_timestamp: number,
  karma: number,
  username: kept,
};

const FIELDS: Readonly<Record<ViewName, Readonly<Record<string, FieldMapping>>>> = {
  top_posts: TOP_POSTS,
  subreddit_activity: SUBREDDIT_ACTIVITY,
  user_activity: USER_ACTIVITY,
};

/**
 * The field that repeats a document's id: servers do not sort by `_id`. No view has a field of this
 * name, and it is removed on reading.
 */
export const ID_FIELD = "id";

/** An index's mappings. */
export interface Mappings {
  /** Unknown fields are rejected. */
  readonly dynamic: "strict";
  /** By name. */
  readonly properties: Readonly<Record<string, FieldMapping>>;
}

/** The mappings of a view's index. */
export function viewMappings(view: ViewName): Mappings {
  return { dynamic: "strict", properties: { [ID_FIELD]: ordering, ...FIELDS[view] } };
}

/** The field that holds a watermark, unchanged. No view has a field of this name. */
export const WATERMARK_FIELD = "watermark";

/** What an index of speed's documents has beside the mappings of its view. */
export const LIVE_MAPPINGS: Mappings = {
  dynamic: "strict",
  properties: { [WATERMARK_FIELD]: { type: "object", enabled: false } },
};

/** Whether documents of a view have the field. */
export function hasField(view: ViewName, field: string): boolean {
  return field in FIELDS[view];
}

/** The mappings of the index of control documents: bodies are stored unchanged. */
export const CONTROL_MAPPINGS: Mappings = {
  dynamic: "strict",
  properties: {
    [ID_FIELD]: grouped,
    version: number,
    body: { type: "object", enabled: false },
  },
};

/**
 * How the fields of the views' documents are indexed. The compiler holds the fields
 * equal to those of `@pipeline/core`; the server refuses any other (`dynamic: strict`).
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

/** A field's mapping, as the server takes it. */
export type FieldMapping = Readonly<Record<string, unknown>>;

/** Keys of all members of a union. */
type Keys<D> = D extends unknown ? keyof D : never;

/** A mapping for each field of a view's documents. */
type Fields<D> = Readonly<Record<Keys<D>, FieldMapping>>;

/** Text that is filtered by, to the letter. */
const filtered: FieldMapping = { type: "keyword", doc_values: false };
/** Text that is filtered by or grouped by. */
const grouped: FieldMapping = { type: "keyword" };
/** Text that orders, in the order of its UTF-8 bytes. */
const ordering: FieldMapping = { type: "keyword", index: false };
/** Text that is only given back; of any length. */
const kept: FieldMapping = { type: "keyword", index: false, doc_values: false };
/** An integer that orders or is summed. */
const number: FieldMapping = { type: "long", index: false };
/** A time in milliseconds that is filtered by and orders; a date for those who draw charts. */
const time: FieldMapping = { type: "date", format: "epoch_millis" };
/** A time that orders but is not filtered by. */
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
 * The field that repeats a document's id: servers do not order by `_id`. No view has a field of
 * this name, and it is taken off what is read.
 */
export const ID_FIELD = "id";

/** An index's mappings. */
export interface Mappings {
  /** Unknown fields are refused. */
  readonly dynamic: "strict";
  /** By name. */
  readonly properties: Readonly<Record<string, FieldMapping>>;
}

/** The mappings of a view's index. */
export function viewMappings(view: ViewName): Mappings {
  return { dynamic: "strict", properties: { [ID_FIELD]: ordering, ...FIELDS[view] } };
}

/** Whether documents of a view have the field. */
export function hasField(view: ViewName, field: string): boolean {
  return field in FIELDS[view];
}

/** The mappings of the index of control documents: bodies are kept as they are. */
export const CONTROL_MAPPINGS: Mappings = {
  dynamic: "strict",
  properties: {
    [ID_FIELD]: grouped,
    version: number,
    body: { type: "object", enabled: false },
  },
};

/**
 * The three kinds of record, their strict parsing from bytes and their one canonical form.
 *
 * A record is a fact: "entity X was in this state at `timestamp`". A record whose `timestamp`
 * equals its `created_utc` announces the entity.
 *
 * @module
 */

import { canonicalJson } from "./bytes.ts";
import { nameKey } from "./names.ts";
import { parseInteger } from "./numbers.ts";
import { formatTime, parseTime, TIME_FORMS } from "./time.ts";

/** The log's topics of records. */
export const TOPICS = ["reddit.posts", "reddit.comments", "reddit.users"] as const;

/** A topic of records. */
export type Topic = (typeof TOPICS)[number];

/** The topic of rejected records. */
export const DEAD_LETTER_TOPIC = "reddit.dlq";

/** Default number of partitions of each topic of records. */
export const DEFAULT_PARTITIONS = 3;

/** Fields unknown to the pipeline, kept unchanged (values as in JSON). */
export type Extra = Readonly<Record<string, unknown>>;

/** The common fields of all kinds of record. Times are milliseconds since 1970 UTC. */
export interface Fact {
  /** The author; of a user record the account itself. A name (see `nameKey`), as written. */
  readonly user_id: string;
  /** When the entity was created. */
  readonly created_utc: number;
  /** When it was in this state; never before `created_utc`. */
  readonly timestamp: number;
  /**
   * When the producer retrieved it from its source, if known: archives announce at `created_utc`
   * what they saw much later. See {@linkcode asOf}.
   */
  readonly retrieved_utc?: number;
  /** Only if requested (see {@linkcode ParseOptions}) and present. */
  readonly extra?: Extra;
}

/** A submission in its state at `timestamp`. */
export interface Post extends Fact {
  /** Discriminates the kinds of record; not part of the wire form. */
  readonly kind: "post";
  /** Identifies the post, with its `t3_` prefix where it comes from Reddit; the log key. */
  readonly post_id: string;
  /** Without a prefix. A name (see `nameKey`), as written. */
  readonly subreddit: string;
  /** May be empty. */
  readonly title: string;
  /** Text of the post; empty for a link. */
  readonly content: string;
  /** Votes up less votes down. */
  readonly score: number;
  /** As reported by the producer; the views count for themselves. */
  readonly num_comments: number;
}

/** A comment in its state at `timestamp`; with `subreddit` if the producer knew it. */
export interface Comment extends Fact {
  /** Discriminates the kinds of record; not part of the wire form. */
  readonly kind: "comment";
  /** Identifies the comment, with its `t1_` prefix where it comes from Reddit. */
  readonly comment_id: string;
  /** The post it belongs to; the log key. */
  readonly post_id: string;
  /** Text of the comment. */
  readonly content: string;
  /** Votes up less votes down. */
  readonly score: number;
  /** Absent if the producer did not know it. */
  readonly subreddit?: string;
}

/** An account in its state at `timestamp`. */
export interface User extends Fact {
  /** Discriminates the kinds of record; not part of the wire form. */
  readonly kind: "user";
  /** The displayed name; may differ from the id. */
  readonly username: string;
  /** The sum of votes on everything that the user wrote. */
  readonly karma: number;
}

/** A record of any kind. */
export type Entity = Post | Comment | User;

/**
 * Longest identifier or subreddit in bytes of UTF-8. A document's id contains two of them, one
 * escaped, and Elasticsearch rejects ids of more than 512 bytes.
 */
export const MAX_ID_LENGTH = 100;

/** Longest title, content or user name, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 200_000;

/** Why a record is rejected; also the `reason` of its dead letter. */
export class RecordError extends Error {
  /** Identifies this class in logs. */
  override name = "RecordError";
}

/** Whether a record announces its entity (rather than updating it). */
export function isAnnouncement(record: Entity): boolean {
  return record.timestamp === record.created_utc;
}

/**
 * When the entity was in the record's state: at `timestamp`, or when it was retrieved if that was
 * later. It comes first in the order of versions.
 */
export function asOf({ timestamp, retrieved_utc = timestamp }: Fact): number {
  return Math.max(timestamp, retrieved_utc);
}

/** The topic that a record belongs to. */
export function topicOf(record: Entity): Topic {
  switch (record.kind) {
    case "post":
      return "reddit.posts";
    case "comment":
      return "reddit.comments";
    case "user":
      return "reddit.users";
  }
}

/**
 * The log key: a post and its comments share one, so they share a partition number; so do all
 * spellings of a user's name. Answers do not depend on it: other producers may choose other keys.
 */
export function keyOf(record: Entity): string {
  return record.kind === "user" ? nameKey(record.user_id) : record.post_id;
}

/** The id of the record's own entity. */
export function idOf(record: Entity): string {
  switch (record.kind) {
    case "post":
      return record.post_id;
    case "comment":
      return record.comment_id;
    case "user":
      return record.user_id;
  }
}

/** Levels of arrays and objects allowed in a field unknown to the pipeline. */
export const MAX_EXTRA_DEPTH = 64;

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Twice as fast as the strict one, which throws where this one inserts U+FFFD. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Options of {@linkcode parseRecord}. */
export interface ParseOptions {
  /**
   * Also keep fields unknown to the pipeline, in `extra`. Folds do without; whether a record is
   * rejected does not depend on it.
   */
  readonly extra?: boolean;
}

/**
 * Parses one record of a topic: strict UTF-8, one JSON object, every field of its type and range,
 * integers that a double holds exactly, every form of a timestamp.
 *
 * @param value UTF-8 bytes of one JSON object, or `null` for a tombstone.
 * @throws {RecordError} that names the invalid field and its value.
 */
export function parseRecord(
  topic: Topic,
  value: Uint8Array | null,
  options: ParseOptions = {},
): Entity {
  if (value === null) throw new RecordError("The value is a tombstone (null)");
  let text: string;
  try {
    text = lenient.decode(value);
    // Most have no U+FFFD, which means that nothing was replaced.
    if (text.includes("\ufffd")) text = strict.decode(value);
  } catch (cause) {
    throw new RecordError("The value is not UTF-8", { cause });
  }
  return parseText(topic, text, options);
}

/** {@linkcode parseRecord} for decoded text. */
export function parseText(topic: Topic, text: string, options: ParseOptions = {}): Entity {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RecordError("The value is not JSON", { cause });
  }
  return readRecord(topic, json, options);
}

type Fields = Record<string, unknown>;

/** {@linkcode parseRecord} for a parsed value. */
export function readRecord(topic: Topic, json: unknown, options: ParseOptions = {}): Entity {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RecordError("The value is not a JSON object");
  }
  const f = json as Fields;
  const created_utc = time(f.created_utc, "created_utc");
  // Most records announce, with two equal times.
  const timestamp = f.timestamp === f.created_utc ? created_utc : time(f.timestamp, "timestamp");
  if (timestamp < created_utc) {
    throw new RecordError(
      `"timestamp" (${formatTime(timestamp)}) is before "created_utc" (${formatTime(created_utc)})`,
    );
  }
  const record = READERS[topic](f, created_utc, timestamp);
  const extra = extraFields(topic, f, options.extra === true);
  const retrieved = f.retrieved_utc ?? undefined;
  if (extra === undefined && retrieved === undefined) return record;
  return {
    ...record,
    ...(retrieved === undefined ? {} : { retrieved_utc: time(retrieved, "retrieved_utc") }),
    ...(extra === undefined ? {} : { extra }),
  };
}

const READERS: Record<Topic, (f: Fields, created_utc: number, timestamp: number) => Entity> = {
  "reddit.posts": (f, created_utc, timestamp) => ({
    kind: "post",
    post_id: identifier(f.post_id, "post_id"),
    user_id: identifier(f.user_id, "user_id"),
    subreddit: identifier(f.subreddit, "subreddit"),
    title: text(f.title, "title"),
    content: text(f.content, "content"),
    score: integer(f.score, "score"),
    num_comments: integer(f.num_comments, "num_comments"),
    created_utc,
    timestamp,
  }),
  "reddit.comments": (f, created_utc, timestamp) => {
    const comment: Comment = {
      kind: "comment",
      comment_id: identifier(f.comment_id, "comment_id"),
      post_id: identifier(f.post_id, "post_id"),
      user_id: identifier(f.user_id, "user_id"),
      content: text(f.content, "content"),
      score: integer(f.score, "score"),
      created_utc,
      timestamp,
    };
    if (f.subreddit === undefined || f.subreddit === null) return comment;
    return { ...comment, subreddit: identifier(f.subreddit, "subreddit") };
  },
  "reddit.users": (f, created_utc, timestamp) => ({
    kind: "user",
    user_id: identifier(f.user_id, "user_id"),
    username: text(f.username, "username"),
    karma: integer(f.karma, "karma"),
    created_utc,
    timestamp,
  }),
};

const KNOWN: Record<Topic, ReadonlySet<string>> = {
  "reddit.posts": new Set([
    "post_id",
    "user_id",
    "subreddit",
    "title",
    "content",
    "score",
    "num_comments",
    "created_utc",
    "timestamp",
    "retrieved_utc",
  ]),
  "reddit.comments": new Set([
    "comment_id",
    "post_id",
    "user_id",
    "content",
    "score",
    "subreddit",
    "created_utc",
    "timestamp",
    "retrieved_utc",
  ]),
  "reddit.users": new Set([
    "user_id",
    "username",
    "karma",
    "created_utc",
    "timestamp",
    "retrieved_utc",
  ]),
};

function extraFields(topic: Topic, f: Fields, keep: boolean): Extra | undefined {
  const known = KNOWN[topic];
  const keys = Object.keys(f);
  // The required fields were found: the number of fields reveals whether there are others.
  const absent = (topic === "reddit.comments" && f.subreddit === undefined ? 1 : 0) +
    (f.retrieved_utc === undefined ? 1 : 0);
  if (keys.length === known.size - absent) return undefined;
  let extra: Fields | undefined;
  for (const key of keys) {
    if (known.has(key)) continue;
    const value = f[key];
    if (!isFaithful(key, 0) || !isFaithful(value, MAX_EXTRA_DEPTH)) {
      throw new RecordError(`${shown(key)} holds a number or text that cannot be kept exactly`);
    }
    if (!keep) continue;
    extra ??= Object.create(null) as Fields;
    extra[key] = value;
  }
  return extra;
}

/** Whether parsed JSON can be written again without a change of meaning. */
function isFaithful(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") {
    return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  }
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 &&
    Object.entries(value).every(([key, member]) =>
      isFaithful(key, 0) && isFaithful(member, depth - 1)
    );
}

/** Whether a value is text of 1 to {@linkcode MAX_ID_LENGTH} bytes: an identifier, or a name. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && fits(value) && value.isWellFormed();
}

function identifier(value: unknown, name: string): string {
  if (isIdentifier(value)) return value;
  throw invalid(name, value, `text of 1 to ${MAX_ID_LENGTH} bytes`);
}

/** A UTF-16 unit takes at most three bytes, so only long identifiers need counting. */
function fits(id: string): boolean {
  if (id.length * 3 <= MAX_ID_LENGTH) return true;
  return id.length <= MAX_ID_LENGTH && encoder.encode(id).length <= MAX_ID_LENGTH;
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" && value.length <= MAX_TEXT_LENGTH && value.isWellFormed()) {
    return value;
  }
  throw invalid(name, value, `text of at most ${MAX_TEXT_LENGTH} characters`);
}

function integer(value: unknown, name: string): number {
  const parsed = parseInteger(value);
  if (parsed !== undefined) return parsed;
  throw invalid(name, value, "an integer between -(2^53 - 1) and 2^53 - 1");
}

function time(value: unknown, name: string): number {
  const parsed = parseTime(value);
  if (parsed !== undefined) return parsed;
  throw invalid(name, value, TIME_FORMS);
}

function invalid(name: string, value: unknown, allowed: string): RecordError {
  if (value === undefined) return new RecordError(`"${name}" is missing: it must be ${allowed}`);
  return new RecordError(`"${name}" is ${shown(value)}: it must be ${allowed}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/**
 * The canonical form of a record, as stored in the log and the dataset: one line of canonical JSON
 * with ISO timestamps, without a line end. This function defines the form; bulk writers produce it
 * as bytes ({@linkcode RecordLines}, {@linkcode recordBytes}).
 */
export function encodeRecord(record: Entity): string {
  const { kind: _kind, extra, retrieved_utc, ...known } = record;
  return canonicalJson({
    ...extra,
    ...known,
    created_utc: formatTime(record.created_utc),
    timestamp: formatTime(record.timestamp),
    ...(retrieved_utc === undefined ? {} : { retrieved_utc: formatTime(retrieved_utc) }),
  });
}

/** How far ahead of the log's clock an event may be, in milliseconds: one day. */
export const DEFAULT_MAX_FUTURE = 86_400_000;

/**
 * The one rule by which ingest, both folds and `verify` distinguish usable records from dead
 * letters. It reads no clock: a record is judged by the time at which the log appended it.
 *
 * @param appendTime when the log appended the record, milliseconds since 1970.
 * @throws {RecordError} with the dead letter's reason.
 */
export function admitRecord(
  topic: Topic,
  value: Uint8Array | null,
  appendTime: number,
  options: ParseOptions & { readonly maxFuture?: number } = {},
): Entity {
  const record = parseRecord(topic, value, options);
  const limit = appendTime + (options.maxFuture ?? DEFAULT_MAX_FUTURE);
  const latest = asOf(record);
  if (latest > limit) {
    const name = latest === record.timestamp ? "timestamp" : "retrieved_utc";
    throw new RecordError(
      `"${name}" (${formatTime(latest)}) is too far in the future: the log took the record at ` +
        formatTime(appendTime),
    );
  }
  return record;
}

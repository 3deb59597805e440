/**
 * Random logs over small alphabets, so that what is rare in life is frequent: equal
 * ids, names in several spellings, announcements that contradict one another, late and out-of-order
 * updates, comments without a subreddit, ties, and records that cannot be used.
 *
 * @module
 */

import {
  admitRecord,
  encodeRecord,
  type Entity,
  keyOf,
  type LogRecord,
  parseText,
  partitionFor,
  RecordError,
  type RetainedFrom,
  type Topic,
  topicOf,
  TOPICS,
} from "@pipeline/core";
import fc from "fast-check";

const encoder = new TextEncoder();

/** One minute before midnight, so that few records reach over windows of all sizes. */
const START = Date.UTC(2026, 0, 31, 23, 59);
const CREATED = [0, 59_999, 60_000, 3_660_000, 86_460_000].map((after) => START + after);
const LATER = [0, 0, 0, 1, 60_000, 86_400_000];

/** When the log takes every record: late enough for all of them. */
export const APPENDED: number = Date.UTC(2026, 1, 28);

/** Spellings of a few names; only letters of ASCII compare without case. */
const user = fc.constantFrom("u", "U", "v", "é", "É", "__proto__", "__PROTO__");
const subreddit = fc.constantFrom("a", "A", "b", "constructor", "Constructor");
/** Some say when they were retrieved, also before they looked like this. */
const RETRIEVED = [undefined, undefined, -1, 0, 1, 60_000, 86_400_000];

const times = fc.tuple(
  fc.constantFrom(...CREATED),
  fc.constantFrom(...LATER),
  fc.constantFrom(...RETRIEVED),
).map(([created_utc, later, after]) => ({
  created_utc,
  timestamp: created_utc + later,
  ...(after === undefined ? {} : { retrieved_utc: created_utc + after }),
}));
const small = fc.integer({ min: -1, max: 2 });

const post = fc.record({
  kind: fc.constant("post" as const),
  post_id: fc.constantFrom("p", "q", "r", "s", "toString"),
  user_id: user,
  subreddit,
  title: fc.constantFrom("", "é", "\uffee", "🎈"),
  content: fc.constant(""),
  score: small,
  num_comments: fc.nat(1),
});

const comment = fc.record({
  kind: fc.constant("comment" as const),
  comment_id: fc.constantFrom("c", "d", "e"),
  post_id: fc.constantFrom("p", "q", "r", "s"),
  user_id: user,
  content: fc.constant(""),
  score: small,
  subreddit: fc.option(subreddit, { nil: undefined, freq: 1 }),
}).map(({ subreddit, ...known }) => subreddit === undefined ? known : { ...known, subreddit });

const account = fc.record({
  kind: fc.constant("user" as const),
  user_id: user,
  username: fc.constantFrom("", "U", "\uffee", "🎈"),
  karma: small,
});

/** Any usable record. */
export const anyRecord: fc.Arbitrary<Entity> = fc.tuple(fc.oneof(post, comment, account), times)
  .map(([record, at]) => ({ ...record, ...at }));

/** Any version of a post in one subreddit; few ids, many scores. */
export const anyPost: fc.Arbitrary<Entity & { kind: "post" }> = fc.tuple(post, times, fc.nat(9))
  .map(([record, at, score]) => ({ ...record, ...at, subreddit: "a", score }));

/** A value of the log: the bytes of a record, in one form or another, or of none. */
export interface Value {
  readonly topic: Topic;
  readonly key: string;
  readonly value: Uint8Array | null;
}

function valueOf(record: Entity, text: string): Value {
  return { topic: topicOf(record), key: keyOf(record), value: encoder.encode(text) };
}

const usable = fc.tuple(anyRecord, fc.nat(3)).map(([record, form]) => {
  const text = encodeRecord(record);
  // Other producers may put the spellings of a name into several partitions.
  if (form === 3) return { ...valueOf(record, text), key: record.user_id };
  if (form === 0) return valueOf(record, text);
  const { created_utc, timestamp } = record;
  return valueOf(
    record,
    JSON.stringify({ more: [form], ...JSON.parse(text), created_utc, timestamp }),
  );
});

const poison = fc.tuple(
  anyRecord,
  fc.constantFrom(
    "",
    "{",
    "[]",
    "{}",
    '{"created_utc":0}',
    '"x":9007199254740993',
    '"x":"\\ud800"',
    '"timestamp":253402300799999',
    '"retrieved_utc":253402300799999',
    '"retrieved_utc":"yesterday"',
  ),
).map(([record, text]) =>
  text.startsWith('"')
    ? valueOf(record, `${encodeRecord(record).slice(0, -1)},${text}}`)
    : valueOf(record, text)
);

const tombstone = fc.record({
  topic: fc.constantFrom(...TOPICS),
  key: user,
  value: fc.constant(null),
});

/** What producers send, in order; a fifth of it is sent again. */
export const anyValues: fc.Arbitrary<Value[]> = fc.array(
  fc.tuple(
    fc.oneof({ weight: 8, arbitrary: usable }, { weight: 1, arbitrary: poison }, tombstone),
    fc.nat(49),
  ),
  { maxLength: 40, size: "max" },
).map((sent) => sent.map(([value, again], i) => again < 10 ? sent[again % (i + 1)]![0] : value));

/** A partition with its records. */
export interface Partition {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly LogRecord[];
}

/** Puts values into the partitions that their keys choose. */
export function appendAll(values: readonly Value[], partitions: number): Partition[] {
  const log = TOPICS.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      records: [] as LogRecord[],
    }))
  );
  for (const { topic, key, value } of values) {
    const { records } = log[TOPICS.indexOf(topic) * partitions + partitionFor(key, partitions)]!;
    records.push({ offset: records.length, key, value, timestamp: APPENDED });
  }
  return log;
}

/** The record as the speed layer folds it, or `undefined` for a dead letter. */
export function admitted(topic: Topic, record: LogRecord): Entity | undefined {
  return orNone(() => admitRecord(topic, record.value, record.timestamp));
}

/** The record as it lies in the dataset, or `undefined` for a dead letter. */
export function ingested(topic: Topic, record: LogRecord): Entity | undefined {
  return orNone(() => {
    const entity = admitRecord(topic, record.value, record.timestamp, { extra: true });
    return parseText(topic, encodeRecord(entity));
  });
}

function orNone(read: () => Entity): Entity | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

/** Retention that takes windows of each size away, or none. */
export const anyRetention: fc.Arbitrary<RetainedFrom> = fc.constantFrom(
  { "1m": 0, "1h": 0, "1d": 0 },
  { "1m": START + 60_000, "1h": 0, "1d": 0 },
  { "1m": START + 3_660_000, "1h": START + 60_000, "1d": 0 },
  { "1m": START + 3_660_000, "1h": START + 60_000, "1d": START + 60_000 },
  { "1m": Infinity, "1h": Infinity, "1d": START + 86_460_000 },
);

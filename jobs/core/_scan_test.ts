import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Scanner } from "./_scan.ts";
import {
  asOf,
  type Comment,
  encodeRecord,
  type Entity,
  isAnnouncement,
  MAX_ID_LENGTH,
  MAX_TEXT_LENGTH,
  parseRecord,
  type Post,
  RecordError,
  topicOf,
  TOPICS,
  type User,
} from "./records.ts";
import { MAX_TIME } from "./time.ts";

const encoder = new TextEncoder();

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  fc.string({
    unit: fc.constantFrom("a", '"', "\\", "\n", "\u0001", "é", "\uffee", "🎈", "\ufeff"),
  }),
);
const id = fc.oneof(
  { weight: 12, arbitrary: fc.nat().map((n) => `t1_${n.toString(36)}`) },
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom("é", "🎈", "\ufeffa"),
);
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger());
const times = fc.tuple(
  fc.oneof(fc.nat(MAX_TIME), fc.nat(1e12)),
  fc.oneof(fc.constant(0), fc.nat(1e6)),
)
  .filter(([created, later]) => created + later <= MAX_TIME)
  .map(([created_utc, later]) => ({ created_utc, timestamp: created_utc + later }));
const retrieval = fc.option(fc.oneof(fc.nat(MAX_TIME), fc.nat(1e12)), { nil: undefined })
  .map((retrieved_utc) => retrieved_utc === undefined ? {} : { retrieved_utc });
const post = fc.record({
  kind: fc.constant("post" as const),
  post_id: id,
  user_id: id,
  subreddit: id,
  title: text,
  content: text,
  score: integer,
  num_comments: integer,
});
const comment = fc.record({
  kind: fc.constant("comment" as const),
  comment_id: id,
  post_id: id,
  user_id: id,
  content: text,
  score: integer,
  subreddit: fc.option(id, { nil: undefined }),
}).map(({ subreddit, ...rest }) => subreddit === undefined ? rest : { ...rest, subreddit });
const user = fc.record({
  kind: fc.constant("user" as const),
  user_id: id,
  username: text,
  karma: integer,
});
const record: fc.Arbitrary<Entity> = fc
  .tuple(fc.oneof(post, comment, user), times, retrieval)
  .map(([record, times, retrieval]) => ({ ...record, ...times, ...retrieval }));

/** What the scanner reads from bytes, or `undefined` if it does not accept them. */
function scan(topic: (typeof TOPICS)[number], bytes: Uint8Array): unknown {
  const scanner = new Scanner().open(bytes);
  if (!scanner.read(topic) || scanner.at !== bytes.length) return undefined;
  const { facts } = scanner;
  const { kind, created: created_utc, timestamp, announces } = facts;
  const known = { kind, created_utc, timestamp, announces, user_id: `${facts.user}` };
  switch (kind) {
    case "post":
      return {
        ...known,
        post_id: `${facts.id}`,
        subreddit: `${facts.subreddit}`,
        title: `${facts.text}`,
        score: facts.score,
        num_comments: facts.comments,
      };
    case "comment":
      return {
        ...known,
        comment_id: `${facts.id}`,
        post_id: `${facts.post}`,
        ...facts.located ? { subreddit: `${facts.subreddit}` } : {},
      };
    case "user":
      return { ...known, username: `${facts.text}`, karma: facts.karma };
  }
}

/** The fields of a record that the views need. */
function viewed(record: Entity): unknown {
  const { retrieved_utc: _, ...rest } = record;
  const known = { ...rest, timestamp: asOf(record), announces: isAnnouncement(record) };
  switch (known.kind) {
    case "post": {
      const { content: _, ...rest } = known;
      return rest;
    }
    case "comment": {
      const { content: _, score: __, ...rest } = known;
      return rest;
    }
    case "user":
      return known;
  }
}

Deno.test("Scanner.read() takes canonical records of plain ids, with the values of parseRecord()", () => {
  let taken = 0;
  let all = 0;
  fc.assert(
    fc.property(record, (record) => {
      const read = scan(topicOf(record), encoder.encode(encodeRecord(record)));
      all++;
      if (read === undefined) return;
      taken++;
      assertEquals(read, viewed(record));
    }),
    { numRuns: 1000 },
  );
  assert(taken > all / 10, `${taken} of ${all}`);
});

Deno.test("Scanner.read() takes nothing that parseRecord() refuses or reads otherwise", () => {
  const pieces = fc.constantFrom(
    ...[
      '"',
      "\\",
      "\n",
      " ",
      "0",
      "-",
      "1e3",
      "1.5",
      "9",
      "\\u0041",
      "\\ud800",
      "\\u00e9",
      "\\u",
      "{}",
      ",",
    ],
    ...['"x":1,', "null", "é", ":", "+", "T", "Z", "2026-02-30", "24:00", "}", "\\x", "\\/", "\t"],
  ).map((text) => encoder.encode(text));
  const wild = fc.uint8Array({ minLength: 1, maxLength: 3 });
  const change = fc.record({ at: fc.nat(), cut: fc.nat(4), put: fc.oneof(pieces, wild) });
  let taken = 0;
  fc.assert(
    fc.property(
      record,
      fc.array(change, { maxLength: 2 }),
      fc.constantFrom(undefined, ...TOPICS),
      (record, changes, other) => {
        let bytes = encoder.encode(encodeRecord(record));
        for (const { at, cut, put } of changes) {
          const from = at % (bytes.length + 1);
          bytes = new Uint8Array([...bytes.slice(0, from), ...put, ...bytes.slice(from + cut)]);
        }
        const topic = other ?? topicOf(record);
        const read = scan(topic, bytes);
        if (read === undefined) return;
        taken++;
        assertEquals(read, viewed(parseRecord(topic, bytes)));
      },
    ),
    { numRuns: 5000 },
  );
  assert(taken > 0);
});

const NOON = Date.UTC(2026, 0, 31, 12);
const USER: User = {
  kind: "user",
  user_id: "u",
  username: "U",
  karma: 7,
  created_utc: NOON,
  timestamp: NOON,
};
const POST: Post = {
  kind: "post",
  post_id: "p",
  user_id: "u",
  subreddit: "s",
  title: "Title",
  content: "",
  score: 1,
  num_comments: 0,
  created_utc: NOON,
  timestamp: NOON,
};
const COMMENT: Comment = {
  kind: "comment",
  comment_id: "c",
  post_id: "p",
  user_id: "u",
  content: "",
  score: 1,
  created_utc: NOON,
  timestamp: NOON,
};

const TAKEN: [name: string, record: Entity][] = [
  ["escapes of one character", { ...POST, title: 'a "b" \\ \n\t', content: "\r\b\f" }],
  ["an escaped control character", { ...POST, title: "\u0001" }],
  ["characters of two to four bytes", {
    ...POST,
    title: "é\uffee🎈",
    content: "\ufeff\u07ff\ud7ff",
  }],
  ["a title that begins with a byte order mark", { ...POST, title: "\ufeffa" }],
  ["a negative score", { ...POST, score: -12 }],
  ["a comment without a subreddit", COMMENT],
  ["a post that was retrieved later", { ...POST, retrieved_utc: NOON + 1 }],
  ["a comment that was retrieved later", { ...COMMENT, retrieved_utc: NOON + 1, subreddit: "s" }],
  ["a user that was retrieved earlier", { ...USER, retrieved_utc: 0 }],
  ["the longest id", { ...USER, user_id: "u".repeat(MAX_ID_LENGTH) }],
  ["the last time", { ...USER, timestamp: MAX_TIME }],
  ["a leap day", { ...USER, created_utc: Date.UTC(2024, 1, 29), timestamp: Date.UTC(2024, 1, 29) }],
];
for (const [name, record] of TAKEN) {
  Deno.test(`Scanner.read() takes ${name}`, () => {
    const read = scan(topicOf(record), encoder.encode(encodeRecord(record)));
    assertEquals(read, viewed(record));
  });
}

const LINE = encodeRecord(USER);
const REFUSED: [name: string, text: string][] = [
  ["an id that is too long", encodeRecord({ ...USER, user_id: "u".repeat(MAX_ID_LENGTH + 1) })],
  ["no id", encodeRecord({ ...USER, user_id: "" })],
  ["a text that is too long", encodeRecord({ ...USER, username: "u".repeat(MAX_TEXT_LENGTH + 1) })],
  ["minus zero", LINE.replace(":7,", ":-0,")],
  ["a leading zero", LINE.replace(":7,", ":07,")],
  ["a fraction", LINE.replace(":7,", ":7.0,")],
  ["a number that a double does not hold", LINE.replace(":7,", ":9007199254740993,")],
  ["another order", LINE.replace('{"created_utc"', '{"created_utd"')],
  ["a field twice", LINE.replace('"karma":7', '"karma":6,"karma":7')],
  ["an unknown field", LINE.replace('"karma"', '"a":1,"karma"')],
  [
    "a time of retrieval that is none",
    LINE.replace(',"timestamp', ',"retrieved_utc":"noon","timestamp'),
  ],
  ["white space", LINE.replace(":7,", ": 7,")],
  ["half a line", LINE.slice(0, -1)],
  ["a raw control character", LINE.replace('"U"', '"\u0001"')],
  ["an unknown escape", LINE.replace('"U"', '"\\x41"')],
  ["an escaped surrogate", LINE.replace('"U"', '"\\ud83c\\udf88"')],
  ["a date that is none", LINE.replaceAll("01-31T", "02-30T")],
  ["an hour that is none", LINE.replaceAll("T12", "T24")],
  ["a timestamp before created_utc", LINE.replace('"timestamp":"2026', '"timestamp":"2025')],
];
for (const [name, text] of REFUSED) {
  Deno.test(`Scanner.read() leaves ${name} to parseRecord()`, () => {
    assertEquals(scan("reddit.users", encoder.encode(text)), undefined);
  });
}

Deno.test("Scanner.read() leaves what is not UTF-8 to parseRecord(), which refuses it", () => {
  const sequences = [
    [0x80],
    [0xc3],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80],
    [0xff],
  ];
  const [before, after] = LINE.split('"U"').map((text) => encoder.encode(text));
  for (const sequence of sequences) {
    const bytes = new Uint8Array([...before!, 0x22, ...sequence, 0x22, ...after!]);
    assertEquals(scan("reddit.users", bytes), undefined);
    assertThrows(() => parseRecord("reddit.users", bytes), RecordError, "not UTF-8");
  }
});

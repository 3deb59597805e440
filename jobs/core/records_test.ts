import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "./bytes.ts";
import {
  admitRecord,
  asOf,
  type Comment,
  DEFAULT_MAX_FUTURE,
  encodeRecord,
  type Entity,
  idOf,
  isAnnouncement,
  keyOf,
  MAX_EXTRA_DEPTH,
  MAX_ID_LENGTH,
  MAX_TEXT_LENGTH,
  parseRecord,
  parseText,
  type Post,
  readRecord,
  RecordError,
  type Topic,
  topicOf,
  TOPICS,
  type User,
} from "./records.ts";
import { formatTime, MAX_TIME } from "./time.ts";

const encoder = new TextEncoder();
const NOON = "2026-01-31T12:00:00.000Z";
const NOON_MS = Date.UTC(2026, 0, 31, 12);

const POST = {
  post_id: "t3_a",
  user_id: "u",
  subreddit: "s",
  title: "A title",
  content: "",
  score: 1,
  num_comments: 0,
  created_utc: NOON,
  timestamp: NOON,
};
const COMMENT = {
  comment_id: "t1_a",
  post_id: "t3_a",
  user_id: "u",
  content: "Yes",
  score: -3,
  created_utc: NOON,
  timestamp: NOON,
};
const USER = { user_id: "u", username: "U", karma: 7, created_utc: NOON, timestamp: NOON };
const EXAMPLES: Record<Topic, Record<string, unknown>> = {
  "reddit.posts": POST,
  "reddit.comments": COMMENT,
  "reddit.users": USER,
};

/** The reason for which a record is rejected, with and without keeping its unknown fields. */
function refusal(topic: Topic, value: Uint8Array | null): string {
  const [kept, left] = [true, false].map((extra) =>
    assertThrows(() => parseRecord(topic, value, { extra }), RecordError).message
  );
  assertEquals(kept, left);
  assert(kept!.length < 1000 && kept!.isWellFormed(), kept);
  return kept!;
}

function refusalOf(topic: Topic, text: string): string {
  return refusal(topic, encoder.encode(text));
}

function parse(topic: Topic, value: unknown, extra = true): Entity {
  return parseRecord(topic, encoder.encode(JSON.stringify(value)), { extra });
}

Deno.test("parseRecord() reads each kind of record", () => {
  const at = { created_utc: NOON_MS, timestamp: NOON_MS };
  assertEquals<unknown>(parse("reddit.posts", POST), { kind: "post", ...POST, ...at });
  assertEquals<unknown>(parse("reddit.comments", COMMENT), { kind: "comment", ...COMMENT, ...at });
  assertEquals<unknown>(parse("reddit.users", USER), { kind: "user", ...USER, ...at });
  assertEquals(
    (parse("reddit.comments", { ...COMMENT, subreddit: "s" }) as Comment).subreddit,
    "s",
  );
  assert(!("subreddit" in parse("reddit.comments", { ...COMMENT, subreddit: null })));
});

Deno.test("parseRecord() reads the time of retrieval, if there is one", () => {
  for (const topic of TOPICS) {
    const read = (retrieved_utc: unknown) => parse(topic, { ...EXAMPLES[topic], retrieved_utc });
    for (const time of [NOON, NOON_MS, String(NOON_MS / 1000)]) {
      assertEquals(read(time).retrieved_utc, NOON_MS);
      assertEquals(read(time).extra, undefined);
    }
    // Also before `timestamp`, which then decides.
    assertEquals([read(0), read(NOON_MS + 5)].map(asOf), [NOON_MS, NOON_MS + 5]);
    assertEquals(read(NOON_MS + 5).timestamp, NOON_MS);
    for (const nothing of [undefined, null]) assert(!("retrieved_utc" in read(nothing)));
    for (const bad of ["noon", true, -1, {}]) {
      const text = JSON.stringify({ ...EXAMPLES[topic], retrieved_utc: bad });
      assertStringIncludes(refusalOf(topic, text), `"retrieved_utc" is ${JSON.stringify(bad)}:`);
    }
    const more = { ...EXAMPLES[topic], retrieved_utc: NOON, other: 1 };
    assertEquals(parse(topic, more).extra, { other: 1 });
    refusalOf(topic, JSON.stringify({ ...more, other: 2 ** 53 }));
    refusalOf(topic, JSON.stringify({ ...more, retrieved_utc: null, other: 2 ** 53 }));
  }
});

Deno.test("parseRecord() refuses a tombstone", () => {
  for (const topic of TOPICS) assertStringIncludes(refusal(topic, null), "tombstone");
});

const NOT_JSON: [name: string, text: string][] = [
  ["nothing", ""],
  ["text", "hello"],
  ["half an object", JSON.stringify(USER).slice(0, -1)],
  ["two objects", JSON.stringify(USER) + JSON.stringify(USER)],
  ["a byte order mark before an object", "\ufeff" + JSON.stringify(USER)],
  ["a trailing comma", JSON.stringify(USER).replace("}", ",}")],
  ["NaN", JSON.stringify(USER).replace("7", "NaN")],
  ["a raw line end in a string", JSON.stringify(USER).replace('"U"', '"a\nb"')],
];
for (const [name, text] of NOT_JSON) {
  Deno.test(`parseRecord() refuses ${name}`, () => {
    assertStringIncludes(refusalOf("reddit.users", text), "not JSON");
  });
}

for (const text of ["null", "[]", "1", '"x"', "true", `[${JSON.stringify(USER)}]`]) {
  Deno.test(`parseRecord() refuses ${text.slice(0, 12)}, which is no object`, () => {
    assertStringIncludes(refusalOf("reddit.users", text), "not a JSON object");
  });
}

const NOT_UTF8: [name: string, bytes: number[]][] = [
  ["a continuation byte alone", [0x80]],
  ["half a character", [0xc3]],
  ["an overlong form", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a character beyond the last", [0xf4, 0x90, 0x80, 0x80]],
  ["Latin-1", [0xfc]],
];
for (const [name, bytes] of NOT_UTF8) {
  Deno.test(`parseRecord() refuses ${name} in place of UTF-8`, () => {
    const [before, after] = JSON.stringify(USER).split("U");
    const value = [...encoder.encode(before!), ...bytes, ...encoder.encode(after!)];
    assertStringIncludes(refusal("reddit.users", new Uint8Array(value)), "not UTF-8");
  });
}

Deno.test("parseRecord() reads U+FFFD that was written, and refuses bytes beside it", () => {
  const text = JSON.stringify({ ...USER, username: "\ufffd" });
  assertEquals((parseRecord("reddit.users", encoder.encode(text)) as User).username, "\ufffd");
  const [before, after] = text.split("\ufffd").map((part) => encoder.encode(part));
  const value = [...before!, 0xef, 0xbf, 0xbd, 0xff, ...after!];
  assertStringIncludes(refusal("reddit.users", new Uint8Array(value)), "not UTF-8");
});

for (const topic of TOPICS) {
  for (const field of Object.keys(EXAMPLES[topic])) {
    Deno.test(`parseRecord() refuses a record of ${topic} without ${field}, and names it`, () => {
      const { [field]: _, ...rest } = EXAMPLES[topic];
      assertStringIncludes(refusalOf(topic, JSON.stringify(rest)), `"${field}" is missing`);
    });
    Deno.test(`parseRecord() refuses values of other types as ${field} of ${topic}`, () => {
      const isText = typeof EXAMPLES[topic][field] === "string" && !/utc|stamp/.test(field);
      const others = isText ? [1, 1.5] : ["", "x", "1 ", "0x1"];
      for (const value of [null, true, [], {}, ["x"], { x: 1 }, ...others]) {
        const text = JSON.stringify({ ...EXAMPLES[topic], [field]: value });
        assertStringIncludes(refusalOf(topic, text), `"${field}" is ${JSON.stringify(value)}:`);
      }
    });
  }
}

for (const field of ["post_id", "user_id", "subreddit"]) {
  Deno.test(`parseRecord() bounds ${field} in bytes of UTF-8, none of them a lone surrogate`, () => {
    const longest = [
      "x".repeat(MAX_ID_LENGTH),
      "é".repeat(50),
      "\uffee".repeat(33),
      "🎈".repeat(25),
    ];
    for (const id of longest) {
      const record = parse("reddit.posts", { ...POST, [field]: id });
      assertEquals(record[field as keyof Entity], id);
      const text = JSON.stringify({ ...POST, [field]: id + "é" });
      assertStringIncludes(refusalOf("reddit.posts", text), `"${field}"`);
    }
    for (const bad of ["", "\ud800", "a\udc00", "x".repeat(100_000)]) {
      refusalOf("reddit.posts", JSON.stringify({ ...POST, [field]: bad }));
    }
  });
}

Deno.test("parseRecord() bounds texts in UTF-16 units, none of them a lone surrogate", () => {
  for (const field of ["title", "content"]) {
    parse("reddit.posts", { ...POST, [field]: "x".repeat(MAX_TEXT_LENGTH) });
    for (const bad of ["x".repeat(MAX_TEXT_LENGTH + 1), "a\ud800b", "\udc00"]) {
      refusalOf("reddit.posts", JSON.stringify({ ...POST, [field]: bad }));
    }
  }
});

Deno.test("parseRecord() takes integers that a double holds exactly, and no others", () => {
  for (const text of ["9007199254740991", "-9007199254740991", "1.0", "1e3", "100e-2"]) {
    for (const form of [text, `"${text}"`]) {
      const record = parseText("reddit.users", JSON.stringify(USER).replace("7", form)) as User;
      assertEquals(record.karma, Number(text));
    }
  }
  for (
    const text of ["9007199254740992", "9007199254740993", "-9007199254740992", "1e400", "0.5"]
  ) {
    for (const form of [text, `"${text}"`]) {
      const line = JSON.stringify(USER).replace("7", form);
      assertStringIncludes(refusalOf("reddit.users", line), '"karma"');
    }
  }
});

Deno.test("parseRecord() reads -0 as 0, so that one value has one form", () => {
  const record = parseText("reddit.users", JSON.stringify(USER).replace("7", "-0")) as User;
  assert(Object.is(record.karma, 0));
  const early = { ...USER, created_utc: -0 };
  const text = JSON.stringify(early).replace('"created_utc":0', '"created_utc":-0');
  assert(Object.is(parseText("reddit.users", text).created_utc, 0));
});

Deno.test("parseRecord() reads all forms of a time to the same record", () => {
  const numbers = [NOON_MS, NOON_MS / 1000];
  const forms = [NOON, "2026-01-31 13:00:00+01:00", ...numbers, ...numbers.map(String)];
  for (const created_utc of forms) {
    for (const timestamp of forms) {
      assert(isAnnouncement(parse("reddit.users", { ...USER, created_utc, timestamp })));
    }
  }
  const finer = parse("reddit.users", { ...USER, timestamp: "2026-01-31T12:00:00.0009Z" });
  assert(isAnnouncement(finer));
});

Deno.test("parseRecord() refuses times that no calendar has, naming field and value", () => {
  for (const field of ["created_utc", "timestamp"]) {
    for (const time of ["2026-02-30T12:00:00.000Z", "2026-01-31T24:00:00Z", "noon", -1, -1.5]) {
      const reason = refusalOf("reddit.users", JSON.stringify({ ...USER, [field]: time }));
      assertStringIncludes(reason, `"${field}" is ${JSON.stringify(time)}`);
    }
  }
});

Deno.test("parseRecord() refuses a timestamp before created_utc, by a millisecond or a mixed unit", () => {
  const just = { ...USER, created_utc: NOON_MS + 1, timestamp: NOON_MS };
  assertStringIncludes(refusalOf("reddit.users", JSON.stringify(just)), 'is before "created_utc"');
  // Read as seconds, the milliseconds of 1970-02-01 are in the year 2054.
  const mixed = { ...USER, created_utc: 2_678_400_000, timestamp: NOON };
  assertStringIncludes(refusalOf("reddit.users", JSON.stringify(mixed)), 'is before "created_utc"');
});

Deno.test("parseRecord() takes the last of equal keys, like every reader of the log", () => {
  const text = JSON.stringify(USER).replace("{", '{"karma":"x","karma":1,');
  assertEquals((parseText("reddit.users", text) as User).karma, 7);
  refusalOf("reddit.users", JSON.stringify(USER).replace("}", ',"karma":"x"}'));
});

const PROTOTYPES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

for (const name of PROTOTYPES) {
  Deno.test(`parseRecord() treats ${name} like any other id, subreddit, name and key`, () => {
    const text = JSON.stringify({ ...POST, post_id: name, user_id: name, subreddit: name })
      .replace("{", `{${JSON.stringify(name)}:{"score":9},`);
    const post = parseText("reddit.posts", text, { extra: true }) as Post;
    assertEquals([post.post_id, post.user_id, post.subreddit], [name, name, name]);
    assertEquals(post.score, 1);
    assertEquals(Object.entries(post.extra!), [[name, { score: 9 }]]);
    assertEquals(encodeRecord(post), canonicalJson(JSON.parse(text)));
    const again = parseText("reddit.posts", encodeRecord(post), { extra: true });
    assertEquals(encodeRecord(again), encodeRecord(post));
  });
}

Deno.test("parseRecord() does not find fields on a prototype", () => {
  const text = `{"__proto__":${JSON.stringify(USER)}}`;
  assertStringIncludes(refusalOf("reddit.users", text), "is missing");
});

Deno.test("parseRecord() keeps unknown fields exactly, on request", () => {
  const extra = {
    kind: "x",
    extra: { extra: [1, null, -0.25] },
    subreddit: "of a user is unknown",
    "": "empty",
    big: Number.MAX_SAFE_INTEGER,
    deep: { "🎈": ["\uffee", { a: true }] },
  };
  const record = parse("reddit.users", { ...USER, ...extra });
  assertEquals<unknown>({ ...record.extra }, extra);
  assertEquals(JSON.parse(encodeRecord(record)), { ...USER, ...extra });
  assertEquals(parseText("reddit.users", encodeRecord(record), { extra: true }), record);
  assertEquals(parse("reddit.users", { ...USER, ...extra }, false).extra, undefined);
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

const UNFAITHFUL: [name: string, field: string][] = [
  ["an integer over 2^53", '"x":9007199254740993'],
  ["an integer that only looks like a fraction", '"x":1e300'],
  ["a number beyond doubles", '"x":[{"y":-1e999}]'],
  ["a lone surrogate", '"x":{"y":["\\ud800"]}'],
  ["a lone surrogate in a key", '"\\udfff":1'],
  ["a lone surrogate in a nested key", '"x":{"\\udfff":1}'],
  ["more levels than allowed", `"x":${nested(MAX_EXTRA_DEPTH + 1)}`],
  ["levels beyond any stack", `"x":${nested(200_000)}`],
  ["a long key", `"${"k".repeat(5000)}":1e300`],
];
for (const [name, field] of UNFAITHFUL) {
  Deno.test(`parseRecord() refuses ${name} in an unknown field, also where it is not kept`, () => {
    const text = JSON.stringify(USER).replace("{", `{${field},`);
    assertStringIncludes(refusalOf("reddit.users", text), "cannot be kept exactly");
  });
}

Deno.test("parseRecord() checks unknown fields of a comment whose subreddit is missing", () => {
  for (const subreddit of [undefined, null, "s"]) {
    const comment = { ...COMMENT, subreddit };
    const text = JSON.stringify({ ...comment, other: 2 ** 53 });
    assertStringIncludes(refusalOf("reddit.comments", text), "other");
    assertEquals(parse("reddit.comments", { ...comment, other: 1 }).extra, { other: 1 });
    assertEquals(parse("reddit.comments", comment).extra, undefined);
  }
});

Deno.test("parseRecord() takes unknown fields of as many levels as allowed", () => {
  const text = JSON.stringify(USER).replace("{", `{"x":${nested(MAX_EXTRA_DEPTH)},`);
  const record = parseText("reddit.users", text, { extra: true });
  assertEquals(parseText("reddit.users", encodeRecord(record), { extra: true }), record);
});

Deno.test("parseRecord() refuses any depth in a known field by its type", () => {
  const text = JSON.stringify(USER).replace("7", nested(200_000));
  assertStringIncludes(refusalOf("reddit.users", text), '"karma" is [[[');
});

Deno.test("parseRecord() answers any bytes with a record or a RecordError", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.json().map((text) => encoder.encode(text)),
    fc.dictionary(fc.constantFrom(...Object.keys(POST), "x"), fc.jsonValue())
      .map((fields) => encoder.encode(JSON.stringify({ ...POST, ...fields }))),
  );
  fc.assert(
    fc.property(fc.constantFrom(...TOPICS), bytes, (topic, value) => {
      try {
        parseRecord(topic, value);
      } catch (error) {
        assert(error instanceof RecordError);
      }
    }),
    { numRuns: 300 },
  );
});

// --- The canonical form ----------------------------------------------------

const awkward = fc.constantFrom(...PROTOTYPES, '"', "\\", "\u0000", "\u2028", "\u007f", "🎈", "é");
const id = fc.oneof(awkward, fc.string({ minLength: 1, maxLength: 33 }));
const content = fc.oneof(awkward, fc.string({ unit: "grapheme" }));
const count = fc.maxSafeInteger();
const facts = {
  user_id: id,
  created_utc: fc.integer({ min: 0, max: MAX_TIME }),
  retrieved_utc: fc.option(fc.integer({ min: 0, max: MAX_TIME }), { nil: undefined }),
  extra: fc.option(
    fc.dictionary(
      fc.constantFrom("x", "kind", "extra", "__proto__"),
      fc.jsonValue({ maxDepth: 2 }),
      {
        minKeys: 1,
      },
    ),
    { nil: undefined },
  ),
};
const entity: fc.Arbitrary<Entity> = fc.tuple(
  fc.oneof(
    fc.record({
      kind: fc.constant("post" as const),
      post_id: id,
      subreddit: id,
      title: content,
      content,
      score: count,
      num_comments: count,
      ...facts,
    }),
    fc.record({
      kind: fc.constant("comment" as const),
      comment_id: id,
      post_id: id,
      content,
      score: count,
      subreddit: fc.option(id, { nil: undefined }),
      ...facts,
    }),
    fc.record({ kind: fc.constant("user" as const), username: content, karma: count, ...facts }),
  ),
  fc.nat(10_000_000_000),
).map(([record, later]) => {
  const timestamp = Math.min(MAX_TIME, record.created_utc + (later % 3 === 0 ? 0 : later));
  const defined = Object.entries({ ...record, timestamp }).filter(([, v]) => v !== undefined);
  return Object.fromEntries(defined) as unknown as Entity;
});

Deno.test("encodeRecord() writes canonical JSON that parseRecord() reads back", () => {
  fc.assert(
    fc.property(entity, (record) => {
      const line = encodeRecord(record);
      const { kind: _, extra, ...fields } = record;
      assertEquals(
        line,
        canonicalJson({
          ...extra,
          ...fields,
          created_utc: formatTime(record.created_utc),
          timestamp: formatTime(record.timestamp),
          ...(record.retrieved_utc === undefined
            ? {}
            : { retrieved_utc: formatTime(record.retrieved_utc) }),
        }),
      );
      assert(!line.includes("\n"));
      const hasBig = JSON.stringify(extra ?? null).match(/\d{16}|e\+/) !== null;
      if (!hasBig) {
        const again = parseRecord(topicOf(record), encoder.encode(line), { extra: true });
        assertEquals(encodeRecord(again), line);
        assertEquals({ ...again, extra: null }, { ...record, extra: null });
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("encodeRecord() gives the same bytes whatever form the times came in", () => {
  const forms = [NOON, "2026-01-31T13:00+01:00", NOON_MS, NOON_MS / 1000];
  const lines = forms.map((created_utc) =>
    encodeRecord(readRecord("reddit.users", { ...USER, created_utc }))
  );
  assertEquals(new Set(lines).size, 1);
});

Deno.test("keyOf(), idOf() and topicOf() keep a post and its comments under one key", () => {
  const post = readRecord("reddit.posts", POST);
  const comment = readRecord("reddit.comments", COMMENT);
  const user = readRecord("reddit.users", USER);
  assertEquals([post, comment, user].map(keyOf), ["t3_a", "t3_a", "u"]);
  assertEquals([post, comment, user].map(idOf), ["t3_a", "t1_a", "u"]);
  assertEquals([post, comment, user].map(topicOf), [...TOPICS]);
});

// --- Admission -------------------------------------------------------------

Deno.test("admitRecord() judges the future against the log's append time alone", () => {
  const value = encoder.encode(JSON.stringify(USER));
  const admit = (appendTime: number, maxFuture?: number) =>
    admitRecord("reddit.users", value, appendTime, maxFuture === undefined ? {} : { maxFuture });
  assertEquals(admit(NOON_MS - DEFAULT_MAX_FUTURE).timestamp, NOON_MS);
  const error = assertThrows(() => admit(NOON_MS - DEFAULT_MAX_FUTURE - 1), RecordError);
  assertStringIncludes(error.message, "too far in the future");
  assertEquals(admit(NOON_MS, 0), admit(NOON_MS + 1e12, 0));
  assertThrows(() => admit(NOON_MS - 1, 0), RecordError);
});

Deno.test("admitRecord() rejects a retrieval too far in the future: it would stay the last version", () => {
  const admit = (retrieved_utc: number) => {
    const value = encoder.encode(JSON.stringify({ ...USER, retrieved_utc }));
    return admitRecord("reddit.users", value, NOON_MS, { maxFuture: 10 });
  };
  assertEquals(asOf(admit(NOON_MS + 10)), NOON_MS + 10);
  const error = assertThrows(() => admit(NOON_MS + 11), RecordError);
  assertStringIncludes(
    error.message,
    '"retrieved_utc" (2026-01-31T12:00:00.011Z) is too far in the',
  );
});

Deno.test("admitRecord() refuses seconds that were taken for milliseconds", () => {
  // Microseconds read as milliseconds are in the year 58000, and so are seconds times 1000 twice.
  const far = { ...USER, timestamp: 99_999_999_999 };
  const value = encoder.encode(JSON.stringify(far));
  assertNotEquals(parseRecord("reddit.users", value).timestamp, NOON_MS);
  assertThrows(() => admitRecord("reddit.users", value, NOON_MS), RecordError);
});

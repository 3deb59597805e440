import { assertEquals, assertNotStrictEquals } from "@std/assert";
import fc from "fast-check";
import { recordBytes, RecordLines } from "./encoding.ts";
import { encodeRecord, type Entity } from "./records.ts";
import { DAY, MAX_TIME } from "./time.ts";

const encoder = new TextEncoder();

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", '"', "\\", "\u0000", "\u007f", "\u2028", "é", "日本", "🎈", "\ud800", "a\nb"),
  fc.tuple(fc.string(), fc.constantFrom(2_040, 2_048, 2_049, 70_000))
    .map(([part, length]) => `${part}${"x".repeat(length)}${part}`),
);
const count = fc.oneof(
  fc.maxSafeInteger(),
  fc.nat(1_000),
  fc.constantFrom(0, -0, 9, 10, 99, 100, 999_999_999, 1_000_000_000, 2 ** 53 - 1, -1, 1.5, 1e300),
);
const time = fc.oneof(
  fc.integer({ min: 0, max: MAX_TIME }),
  fc.constantFrom(0, 999, 1_000, 59_999, 60_000, DAY - 1, DAY, DAY + 1, MAX_TIME, -1, MAX_TIME + 1),
);
const facts = {
  user_id: text,
  created_utc: time,
  timestamp: time,
  retrieved_utc: fc.option(time, { nil: undefined }),
  extra: fc.option(fc.dictionary(fc.constantFrom("a", "score", "zz", "é"), fc.jsonValue()), {
    nil: undefined,
    freq: 10,
  }),
};
const entity = fc.oneof(
  fc.record({
    kind: fc.constant("post" as const),
    post_id: text,
    subreddit: text,
    title: text,
    content: text,
    score: count,
    num_comments: count,
    ...facts,
  }),
  fc.record({
    kind: fc.constant("comment" as const),
    comment_id: text,
    post_id: text,
    content: text,
    score: count,
    subreddit: fc.option(text, { nil: undefined }),
    ...facts,
  }),
  fc.record({ kind: fc.constant("user" as const), username: text, karma: count, ...facts }),
) as fc.Arbitrary<Entity>;

Deno.test("RecordLines holds the canonical form of each record, and a line feed", () => {
  fc.assert(
    fc.property(fc.array(entity), fc.nat(2_000), (records, capacity) => {
      const lines = new RecordLines(capacity);
      // The same buffer twice: earlier content must not show.
      for (let time = 0; time < 2; time++) {
        lines.clear();
        for (const record of records) lines.add(record);
        const expected = encoder.encode(records.map((r) => `${encodeRecord(r)}\n`).join(""));
        assertEquals(lines.bytes(), expected);
        assertEquals(lines.size, expected.length);
        assertEquals(lines.records, records.length);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("recordBytes() gives each record bytes of its own", () => {
  fc.assert(
    fc.property(entity, entity, (one, other) => {
      const first = recordBytes(one);
      const second = recordBytes(other);
      assertEquals(first, encoder.encode(encodeRecord(one)));
      assertEquals(second, encoder.encode(encodeRecord(other)));
      assertNotStrictEquals(first.buffer, second.buffer);
    }),
    { numRuns: 300 },
  );
});

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  encodeRecord,
  type Entity,
  parseText,
  readRecord,
  RecordError,
  topicOf,
} from "@pipeline/core";
import { kindByName, readArchiveLine, type Repair } from "./mapping.ts";

const SUBMISSION = {
  id: "dbkqm2",
  author: "alice",
  subreddit: "AskReddit",
  title: "A title",
  selftext: "Some text",
  score: 12,
  num_comments: 3,
  created_utc: 1569888142,
  is_self: true,
  all_awardings: [],
  edited: false,
};

const COMMENT = {
  id: "c13",
  link_id: "t3_17863",
  parent_id: "t1_c12",
  author: "bob",
  subreddit: "reddit.com",
  body: "Well said.",
  score: 2,
  created_utc: 1134365188,
  score_hidden: true,
  distinguished: null,
};

const USER = { user_id: "u", username: "U", karma: 7 };

/** The record of a line, and its repairs. */
function read(fields: Record<string, unknown>): Entity & { repairs: Repair[] } {
  const repairs: Repair[] = [];
  const record = readArchiveLine(JSON.stringify(fields), (repair) => void repairs.push(repair));
  // Any output must be a valid record by core's rules.
  assertEquals(parseText(topicOf(record), encodeRecord(record)), record);
  return { ...record, repairs };
}

const submission = (fields: Record<string, unknown> = {}) => {
  const record = read({ ...SUBMISSION, ...fields });
  if (record.kind !== "post") throw new Error(`It became a ${record.kind}`);
  return record;
};

const comment = (fields: Record<string, unknown> = {}) => {
  const record = read({ ...COMMENT, ...fields });
  if (record.kind !== "comment") throw new Error(`It became a ${record.kind}`);
  return record;
};

function refusal(fields: Record<string, unknown>): string {
  return assertThrows(() => read(fields), RecordError).message;
}

Deno.test("readArchiveLine() maps a submission", () => {
  assertEquals(submission(), {
    kind: "post",
    post_id: "t3_dbkqm2",
    user_id: "alice",
    subreddit: "AskReddit",
    title: "A title",
    content: "Some text",
    score: 12,
    num_comments: 3,
    created_utc: 1569888142000,
    timestamp: 1569888142000,
    repairs: [],
  });
});

Deno.test("readArchiveLine() maps a comment", () => {
  assertEquals(comment(), {
    kind: "comment",
    comment_id: "t1_c13",
    post_id: "t3_17863",
    user_id: "bob",
    subreddit: "reddit.com",
    content: "Well said.",
    score: 2,
    created_utc: 1134365188000,
    timestamp: 1134365188000,
    repairs: [],
  });
});

Deno.test("readArchiveLine() gives ids their prefix once, whatever form they come in", () => {
  assertEquals(submission({ id: "t3_dbkqm2" }).post_id, "t3_dbkqm2");
  assertEquals(submission({ id: 12345 }).post_id, "t3_12345");
  assertEquals(submission({ id: undefined, name: "t3_xyz" }).post_id, "t3_xyz");
  assertEquals(comment({ id: "t1_c13" }).comment_id, "t1_c13");
  assertEquals(comment({ id: 99 }).comment_id, "t1_99");
  assertEquals(comment({ link_id: "17863" }).post_id, "t3_17863");
  assertEquals(comment({ link_id: 17863 }).post_id, "t3_17863");
  assertEquals(comment({ link_id: null, parent_id: "t3_abc" }).post_id, "t3_abc");
  const permalink = "/r/pics/comments/7fz9g1/some_title/dqe9y2r/";
  assertEquals(comment({ link_id: undefined, permalink }).post_id, "t3_7fz9g1");
});

Deno.test("readArchiveLine() reads times in every form that the wire has, and no other", () => {
  const forms = [
    ...[1134365188, "1134365188", "1134365188.0", 1134365188000, "1134365188000"],
    ...["2005-12-12T05:26:28.000Z", "2005-12-12T05:26:28Z", "2005-12-12 05:26:28+00:00"],
    ...["2005-12-12T07:26:28+0200", "2005-12-12 05:26:28.000000+00:00"],
  ];
  for (const created_utc of forms) {
    assertEquals(comment({ created_utc }).created_utc, 1134365188000);
    const wire = { ...USER, created_utc, timestamp: created_utc };
    assertEquals(readRecord("reddit.users", wire).created_utc, 1134365188000);
  }
  assertEquals(comment({ created_utc: 1134365188.25 }).created_utc, 1134365188250);
  // The zone is unknown: an hour off would be worse than a rejected line.
  assertEquals(
    refusal({ ...COMMENT, created_utc: "2005-12-12 05:26:28" }),
    '"created_utc" is "2005-12-12 05:26:28": it must be an ISO 8601 time with a zone, epoch seconds ' +
      "or epoch milliseconds",
  );
  // JSON.stringify writes 1134365188.0 without its decimals.
  const line = JSON.stringify(COMMENT).replace("1134365188", "1134365188.0");
  assertEquals(readArchiveLine(line, () => {}).timestamp, 1134365188000);
});

Deno.test("readArchiveLine() takes in when a line was retrieved last, whatever its dump calls that", () => {
  const first = 1569888142;
  const cases: [fields: Record<string, unknown>, retrieved: number | undefined][] = [
    [{}, undefined],
    [{ retrieved_on: first + 10 }, first + 10],
    [{ retrieved_on: String(first + 10) }, first + 10],
    [{ retrieved_on: "2019-10-01T00:02:32+00:00" }, first + 10],
    [{ retrieved_utc: first + 20 }, first + 20],
    [{ retrieved_on: first + 10, retrieved_utc: first + 20 }, first + 20],
    [{ retrieved_on: first + 30, retrieved_utc: first + 20 }, first + 30],
    [{ retrieved_on: first + 10, _meta: { retrieved_2nd_on: first + 40 } }, first + 40],
    [{ retrieved_on: first + 50, _meta: { retrieved_2nd_on: first + 40 } }, first + 50],
    [{ retrieved_on: null, retrieved_utc: null, _meta: null }, undefined],
    [{ retrieved_on: first + 10, _meta: { other: 1 } }, first + 10],
    // Times before the entity existed are ignored.
    [{ retrieved_on: first }, undefined],
    [{ retrieved_on: 0 }, undefined],
  ];
  for (const [fields, retrieved] of cases) {
    for (const record of [submission(fields), comment({ ...fields, created_utc: first })]) {
      assertEquals(record.retrieved_utc, retrieved === undefined ? undefined : retrieved * 1000);
      assertEquals([record.timestamp, record.repairs], [first * 1000, []]);
    }
  }
  const unreadable = submission({ retrieved_on: "later", retrieved_utc: first + 20 });
  assertEquals(unreadable.retrieved_utc, (first + 20) * 1000);
  assertEquals(unreadable.repairs, ["retrieval time not readable"]);
});

Deno.test("readArchiveLine() keeps deleted authors as one pseudo-user", () => {
  for (const author of [null, undefined, ""]) {
    assertEquals(comment({ author }).user_id, "[deleted]");
    assertEquals(comment({ author }).repairs, ["author missing"]);
  }
  assertEquals(comment({ author: "[deleted]" }).user_id, "[deleted]");
  assertEquals(comment({ author: "[deleted]" }).repairs, []);
});

Deno.test("readArchiveLine() reads authors named like members of every object", () => {
  for (const author of ["__proto__", "constructor", "toString"]) {
    const line = JSON.stringify(COMMENT).replace('"bob"', JSON.stringify(author));
    assertEquals(readArchiveLine(line, () => {}).user_id, author);
  }
});

Deno.test("readArchiveLine() reads scores of all years", () => {
  assertEquals(comment({ score: undefined, ups: 7, downs: 3 }).score, 4);
  assertEquals(comment({ score: null, ups: 7 }).score, 7);
  assertEquals(comment({ score: null }).score, 0);
  assertEquals(comment({ score: null }).repairs, ["score missing"]);
  assertEquals(comment({ score: "-6" }).score, -6);
  assertEquals(comment({ score: "12.0" }).score, 12);
  assertEquals(comment({ score: true }).score, 0);
  assertEquals(submission({ num_comments: "4" }).num_comments, 4);
  assertEquals(submission({ num_comments: null }).num_comments, 0);
  assertEquals(submission({ num_comments: undefined }).num_comments, 0);
});

Deno.test("readArchiveLine() repairs texts, and reports it", () => {
  assertEquals(submission({ selftext: null, title: null }).repairs, [
    "text missing",
    "text missing",
  ]);
  assertEquals(comment({ body: null }).content, "");
  assertEquals(comment({ body: "a\u0000b" }).content, "a\u0000b");
  const torn = read(JSON.parse(`${JSON.stringify(COMMENT).slice(0, -1)},"body":"x \\ud83d y"}`));
  assertEquals(torn.repairs, ["text not well-formed"]);
  assertEquals("content" in torn && torn.content, "x \ufffd y");
  const long = submission({ title: "🙂".repeat(100_001) + "x" });
  assertEquals(long.title, "🙂".repeat(100_000));
  assertEquals(long.repairs, ["text cut"]);
  const cut = submission({ selftext: "x" + "🙂".repeat(100_000) });
  assertEquals(cut.content, "x" + "🙂".repeat(99_999));
});

Deno.test("readArchiveLine() finds the subreddit where it can", () => {
  assertEquals(
    submission({ subreddit: null, subreddit_name_prefixed: "r/pics" }).subreddit,
    "pics",
  );
  const permalink = "https://www.reddit.com/r/pics/comments/1/a/";
  assertEquals(submission({ subreddit: undefined, permalink }).subreddit, "pics");
  assertEquals(submission({ subreddit: "u_alice" }).subreddit, "u_alice");
  const long = `/r/${"x".repeat(101)}/comments/1/a/`;
  assertStringIncludes(
    refusal({ ...SUBMISSION, subreddit: null, permalink: long }),
    '"subreddit" is ',
  );
  const unknown = comment({ subreddit: null });
  assertEquals([unknown.subreddit, unknown.repairs], [undefined, ["subreddit missing"]]);
});

Deno.test("readArchiveLine() rejects lines that cannot be repaired, with the reason", () => {
  const promoted = { ...SUBMISSION, subreddit: null, promoted: true };
  assertEquals(refusal(promoted), "The submission has no subreddit: it is an advertisement");
  assertEquals(
    refusal({ ...COMMENT, id: "" }),
    '"id" is "": it must be an id of Reddit',
  );
  assertEquals(
    refusal({ ...COMMENT, link_id: null }),
    '"link_id" is null: it must be the id of a submission',
  );
  for (const created_utc of [undefined, null, "yesterday", -1, 1e18, true]) {
    assertEquals(refusal({ ...COMMENT, created_utc }).startsWith('"created_utc" is '), true);
  }
  // 101 bytes in 60 characters: more than a record may hold.
  for (const author of ["x".repeat(101), "あ".repeat(60), "\ud800"]) {
    assertEquals(refusal({ ...COMMENT, author }).startsWith('"author" is '), true);
  }
  assertEquals(refusal({ error: 404 }), "The line is neither a submission nor a comment");
  for (const text of ["", "{", "[]", "null", "7", '{"id":"1"} {"id":"2"}', "\u0000\u0000"]) {
    assertThrows(() => readArchiveLine(text, () => {}), RecordError, "The line is not");
  }
});

Deno.test("readArchiveLine() determines the kind by the content, and by the name only if that is not enough", () => {
  const bare = JSON.stringify({ id: "1", subreddit: "pics", created_utc: 1134365188 });
  assertEquals(readArchiveLine(bare, () => {}, kindByName("/dumps/RS_2005-12.zst")).kind, "post");
  const line = JSON.stringify(COMMENT);
  assertEquals(readArchiveLine(line, () => {}, kindByName("RS_2005-12")).kind, "comment");
  assertEquals(kindByName("comments.zst"), undefined);
});

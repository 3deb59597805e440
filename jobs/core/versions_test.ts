import { assert, assertEquals } from "@std/assert";
import type { PostDocument } from "./documents.ts";
import { comparePostVersions, compareRank, compareUserVersions } from "./versions.ts";

const POST: PostDocument = {
  type: "post",
  part: "batch",
  subreddit: "s",
  post_id: "p",
  title: "b",
  user_id: "u",
  score: 5,
  num_comments: 1,
  created_utc: 0,
  timestamp: 10,
};

Deno.test("comparePostVersions() compares timestamps first, whatever else differs", () => {
  const later = { ...POST, timestamp: 11, title: "", score: -9 };
  assert(comparePostVersions(later, POST) > 0);
  assert(comparePostVersions(POST, later) < 0);
});

Deno.test("comparePostVersions() goes by canonical bytes where timestamps are equal", () => {
  assert(comparePostVersions({ ...POST, title: "c" }, POST) > 0);
  // Compared as text: "5" comes after "10".
  assert(comparePostVersions(POST, { ...POST, score: 10 }) > 0);
  assert(comparePostVersions({ ...POST, title: "🎈" }, { ...POST, title: "\uffee" }) > 0);
  // Keys in order: created_utc, num_comments, post_id, score, subreddit, timestamp, title, user_id.
  assert(comparePostVersions({ ...POST, num_comments: 2, title: "a" }, POST) > 0);
});

Deno.test("comparePostVersions() is 0 only for versions that the view stores alike, in whichever part", () => {
  const elsewhere: PostDocument = { ...POST, part: "reddit.posts-0" };
  assertEquals(comparePostVersions(elsewhere, POST), 0);
  for (const field of ["subreddit", "post_id", "title", "user_id"] as const) {
    assert(comparePostVersions({ ...POST, [field]: "x" }, POST) !== 0, field);
  }
  for (const field of ["score", "num_comments", "created_utc", "timestamp"] as const) {
    assert(comparePostVersions({ ...POST, [field]: 77 }, POST) !== 0, field);
  }
});

Deno.test("compareUserVersions() goes by timestamp, then by karma and name as bytes", () => {
  const user = { karma_timestamp: 5, karma: 9, username: "u" };
  assert(compareUserVersions({ ...user, karma_timestamp: 6, karma: 0 }, user) > 0);
  assert(compareUserVersions({ ...user, karma: 10 }, user) < 0);
  assert(compareUserVersions({ ...user, username: "v" }, user) > 0);
  assertEquals(compareUserVersions(user, { ...user }), 0);
});

Deno.test("compareRank() puts the greater score first, then the later post, then the greater id", () => {
  const of = (score: number, created_utc: number, post_id: string) => ({
    score,
    created_utc,
    post_id,
  });
  const ranked = [
    of(9, 0, "a"),
    of(5, 7, "a"),
    of(5, 6, "🎈"),
    of(5, 6, "\uffee"),
    of(5, 6, "b"),
    of(5, 6, "B"),
    of(-1, 9, "z"),
  ];
  assertEquals([...ranked].reverse().sort(compareRank), ranked);
  assertEquals(compareRank(of(1, 1, "a"), of(1, 1, "a")), 0);
});

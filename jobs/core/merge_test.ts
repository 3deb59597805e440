import { assert, assertEquals, assertThrows } from "@std/assert";
import { Distinct, Member } from "./distinct.ts";
import type { CutDocument, PostDocument } from "./documents.ts";
import { PipelineError } from "./errors.ts";
import { mergeActivity, mergeCounts, mergeTop, mergeUserTotals, NO_USER } from "./merge.ts";

function stored(...members: string[]): string {
  const distinct = new Distinct();
  for (const member of members) distinct.add(Member.of(member));
  return distinct.toString();
}

Deno.test("mergeActivity() adds counts and unites users", () => {
  assertEquals(mergeActivity([]), { posts: 0, comments: 0, active_users: 0 });
  assertEquals(
    mergeActivity([
      { posts: 1, comments: 2, users: stored("u", "v") },
      { posts: 3, comments: 0, users: stored("v", "w") },
      { posts: 0, comments: 4, users: "" },
    ]),
    { posts: 4, comments: 6, active_users: 3 },
  );
});

Deno.test("mergeActivity() refuses a damaged distinct count", () => {
  const damaged = [{ posts: 1, comments: 0, users: "x12" }];
  assertEquals(assertThrows(() => mergeActivity(damaged), PipelineError).code, "corrupt");
});

Deno.test("mergeCounts() adds counts and no other fields", () => {
  const parts = [{ posts: 1, comments: 2, part: "a" }, { posts: 3, comments: 4, part: "b" }];
  assertEquals(mergeCounts(parts), { posts: 4, comments: 6 });
});

Deno.test("mergeUserTotals() takes the account's latest version, whichever part has it", () => {
  const older = { ...NO_USER, karma_timestamp: 5, karma: 50, username: "old", last_active: 90 };
  const newer = { ...NO_USER, karma_timestamp: 6, karma: 7, username: "new", last_active: 80 };
  for (const parts of [[older, newer, NO_USER], [NO_USER, newer, older]]) {
    const { karma, karma_timestamp, username, last_active } = mergeUserTotals(parts);
    assertEquals([karma, karma_timestamp, username, last_active], [7, 6, "new", 90]);
  }
});

Deno.test("mergeUserTotals() adds counts and unites subreddits", () => {
  const parts = [
    { ...NO_USER, posts: 1, subreddits: stored("a", "b") },
    { ...NO_USER, comments: 2, subreddits: stored("b", "c") },
  ];
  assertEquals(mergeUserTotals(parts), {
    ...NO_USER,
    posts: 1,
    comments: 2,
    subreddits: stored("a", "b", "c"),
  });
  assertEquals(mergeUserTotals([]), NO_USER);
});

function post(post_id: string, score: number, more: Partial<PostDocument> = {}): PostDocument {
  return {
    type: "post",
    part: "batch",
    subreddit: "s",
    post_id,
    title: "",
    user_id: "u",
    score,
    num_comments: 0,
    created_utc: 0,
    timestamp: 100,
    ...more,
  };
}

/** Batch folded versions up to timestamp 100 and kept posts down to the last given one. */
function cutAfter({ post_id, score, created_utc, subreddit }: PostDocument): CutDocument {
  return { type: "cut", part: "batch", subreddit, post_id, score, created_utc, timestamp: 100 };
}

function ids(items: readonly PostDocument[]): string[] {
  return items.map((item) => item.post_id);
}

const [A, B, C] = [post("a", 9), post("b", 5), post("c", 3)];

Deno.test("mergeTop() shows the latest version of each post once, best first", () => {
  const raised = post("c", 7, { timestamp: 200, part: "reddit.posts-0" });
  const stale = post("b", 99, { timestamp: 50, part: "reddit.posts-0" });
  assertEquals(mergeTop(10, [A, B, C], [raised, stale]), { items: [A, raised, B], exact: true });
  assertEquals(mergeTop(2, [A, B, C], [raised]).items, [A, raised]);
  assertEquals(mergeTop(3, [], []), { items: [], exact: true });
});

Deno.test("mergeTop() is exact with fewer posts than asked for where nothing was cut", () => {
  assert(mergeTop(5, [A], []).exact);
});

Deno.test("mergeTop() is not exact when a cut leaves fewer posts than asked for", () => {
  // The third best is among the cut posts.
  assert(!mergeTop(3, [A, B], [], cutAfter(B)).exact);
  assert(mergeTop(2, [A, B], [], cutAfter(B)).exact);
});

Deno.test("mergeTop() is not exact when an update sinks a post below those that were cut", () => {
  // Batch cut c with 3 votes; b has since sunk to 1, so that c is the second best.
  const sunk = post("b", 1, { timestamp: 200 });
  const merged = mergeTop(2, [A, B], [sunk], cutAfter(B));
  assertEquals(ids(merged.items), ["a", "b"]);
  assert(!merged.exact);
  assert(mergeTop(1, [A, B], [sunk], cutAfter(B)).exact);
});

Deno.test("mergeTop() is not exact when a late old version of a cut post comes into view", () => {
  // Batch cut c at 3 votes as of 100; speed has an outdated version of 50 with 8 votes.
  const late = post("c", 8, { timestamp: 50 });
  const merged = mergeTop(2, [A, B], [late], cutAfter(B));
  assertEquals(ids(merged.items), ["a", "c"]);
  assert(!merged.exact);
  // As old as the newest folded version: batch may have cut another version of the same moment.
  assert(!mergeTop(2, [A, B], [{ ...late, timestamp: 100 }], cutAfter(B)).exact);
  // Newer than all folded versions: any version that batch cut is older.
  assert(mergeTop(2, [A, B], [{ ...late, timestamp: 101 }], cutAfter(B)).exact);
});

Deno.test("mergeTop() is exact for a late old version of a post that batch kept", () => {
  const late = post("b", 99, { timestamp: 50 });
  const merged = mergeTop(2, [A, B], [late], cutAfter(B));
  assertEquals(merged, { items: [A, B], exact: true });
});

Deno.test("mergeTop() breaks ties with the last kept post by created_utc and id, as batch cut", () => {
  const floor = post("m", 5, { created_utc: 50 });
  const cut = cutAfter(floor);
  const fresh = (post_id: string, created_utc: number) =>
    post(post_id, 5, { created_utc, timestamp: 200, part: "reddit.posts-0" });
  assert(mergeTop(2, [A, floor], [], cut).exact);
  assert(mergeTop(3, [A, floor], [fresh("a2", 51)], cut).exact);
  assert(mergeTop(3, [A, floor], [fresh("z", 50)], cut).exact);
  assert(!mergeTop(3, [A, floor], [fresh("b", 50)], cut).exact);
  assert(!mergeTop(3, [A, floor], [fresh("z", 49)], cut).exact);
});

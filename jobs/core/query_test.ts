import { assertEquals } from "@std/assert";
import { documentId } from "./document_keys.ts";
import type { ViewDocument } from "./documents.ts";
import type { ViewQuery } from "./ports.ts";
import { page } from "./query.ts";

const activity = (window_start: number, more: { part?: string; subreddit?: string } = {}) =>
  stored({
    type: "activity",
    part: more.part ?? "reddit.posts-0",
    subreddit: more.subreddit ?? "s",
    window: "1m",
    window_start,
    posts: 1,
    comments: 0,
    active_users: 0,
    users: "",
  });

const post = (post_id: string, score: number, created_utc = 0) =>
  stored({
    type: "post",
    part: "reddit.posts-0",
    subreddit: "s",
    post_id,
    title: "",
    user_id: "u",
    score,
    num_comments: 0,
    created_utc,
    timestamp: 0,
  });

function stored(body: ViewDocument) {
  return { id: documentId(body), body, version: 1 };
}

const DOCUMENTS = [
  activity(60_000),
  activity(600_000),
  activity(60_000, { part: "batch" }),
  activity(60_000, { subreddit: "t" }),
  stored({
    type: "subreddit",
    part: "reddit.posts-0",
    subreddit: "s",
    name: "S",
    name_timestamp: 1,
  }),
];

function ids(query: Partial<ViewQuery>, documents = DOCUMENTS): string[] {
  return page(documents, { order: "id", limit: 10, ...query }).map(({ id }) => id);
}

Deno.test("page() orders by window, and by id within it; documents without a window count as -1", () => {
  const name = "reddit.posts-0|name|s";
  const first = ["batch|1m|60000|s", "reddit.posts-0|1m|60000|s", "reddit.posts-0|1m|60000|t"];
  const last = "reddit.posts-0|1m|600000|s";
  assertEquals(ids({ order: "window" }), [name, ...first, last]);
  assertEquals(ids({ order: "latest" }), [last, ...first, name]);
  assertEquals(ids({ order: "latest", limit: 2 }), [last, first[0]]);
});

Deno.test("page() orders by rank: score, creation and id descending", () => {
  const posts = [post("a", 1), post("b", 2), post("c", 1), post("d", 1, 5)];
  assertEquals(
    page(posts, { order: "rank", limit: 9 }).map(({ body }) => "post_id" in body && body.post_id),
    [
      "b",
      "d",
      "c",
      "a",
    ],
  );
});

Deno.test("page() selects by parts and by layer", () => {
  assertEquals(ids({ parts: ["batch"] }), ["batch|1m|60000|s"]);
  assertEquals(ids({ parts: ["reddit.posts-1"] }), []);
  assertEquals(ids({ layer: "batch" }), ["batch|1m|60000|s"]);
  assertEquals(ids({ layer: "speed", window: "1m", to: 60_001 }).length, 2);
});

Deno.test("page() continues after a document in the same order", () => {
  const all = page(DOCUMENTS, { order: "latest", limit: 9 });
  for (const [i, after] of all.entries()) {
    assertEquals(page(DOCUMENTS, { order: "latest", limit: 9, after }), all.slice(i + 1));
  }
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ActivityDocument,
  BATCH_PART,
  type CutDocument,
  cutDocumentId,
  documentId,
  type PostDocument,
  type SubredditDocument,
  type UserTotalDocument,
  type UserWindowDocument,
  viewAlias,
  type ViewDocument,
  viewIndex,
  viewOf,
  VIEWS,
} from "./documents.ts";
import { NO_SPELLING } from "./names.ts";
import { MAX_ID_LENGTH } from "./records.ts";
import { MAX_TIME, WINDOW_NAMES } from "./time.ts";

const post = (part: string, subreddit: string, post_id: string): PostDocument => ({
  type: "post",
  part,
  subreddit,
  post_id,
  title: "",
  user_id: "u",
  score: 0,
  num_comments: 0,
  created_utc: 0,
  timestamp: 0,
});
const cut = (part: string, subreddit: string): CutDocument => ({
  type: "cut",
  part,
  subreddit,
  post_id: "p",
  score: 0,
  created_utc: 0,
  timestamp: 0,
});
const window = fc.constantFrom(...WINDOW_NAMES);
const counts = { posts: 0, comments: 0 };

/** Names that are easily confused with separators, types and one another. */
const name = fc.oneof(
  fc.constantFrom(
    "|",
    "a|b",
    "%7C",
    "%",
    "post",
    "cut",
    "total",
    "name",
    "batch",
    "1m",
    "0",
    "🎈",
    "é",
  ),
  fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("|", "%", "7", "C", "a") }),
);
const part = fc.constantFrom(BATCH_PART, "reddit.posts-0", "reddit.posts-1", "reddit.comments-10");
const start = fc.constantFrom(0, 60_000, 86_400_000);

const document: fc.Arbitrary<ViewDocument> = fc.oneof(
  fc.tuple(part, name, name).map(([p, s, id]) => post(p, s, id)),
  fc.tuple(part, name).map(([p, s]) => cut(p, s)),
  fc.tuple(part, name, window, start).map((
    [part, subreddit, window, window_start],
  ): ActivityDocument => ({
    type: "activity",
    part,
    subreddit,
    window,
    window_start,
    ...counts,
    active_users: 0,
    users: "",
  })),
  fc.tuple(part, name, window, start).map((
    [part, user_id, window, window_start],
  ): UserWindowDocument => ({
    type: "user_window",
    part,
    user_id,
    window,
    window_start,
    ...counts,
  })),
  fc.tuple(part, name).map(([part, subreddit]): SubredditDocument => ({
    type: "subreddit",
    part,
    subreddit,
    ...NO_SPELLING,
  })),
  fc.tuple(part, name).map(([part, user_id]): UserTotalDocument => ({
    type: "user_total",
    part,
    user_id,
    ...NO_SPELLING,
    ...counts,
    subreddits: "",
    last_active: -1,
    karma_timestamp: -1,
    karma: 0,
    username: "",
  })),
);

function keyOf(document: ViewDocument): string {
  const { type, part, ...fields } = document;
  const key = fields as Partial<Record<string, unknown>>;
  const { subreddit, post_id, user_id, window, window_start } = key;
  const id = type === "post" ? post_id : undefined;
  const user = type === "post" || type === "cut" ? undefined : user_id;
  return JSON.stringify([type, part, subreddit, id, user, window, window_start]);
}

Deno.test("documentId() is injective within a view: equal ids are of equal keys", () => {
  fc.assert(
    fc.property(fc.array(document, { minLength: 20, maxLength: 60, size: "max" }), (all) => {
      const known = new Map<string, string>();
      for (const document of all) {
        const id = `${viewOf(document)} ${documentId(document)}`;
        const key = keyOf(document);
        assertEquals(known.get(id) ?? key, key, id);
        known.set(id, key);
      }
      assertEquals(known.size, new Set(all.map(keyOf)).size);
    }),
  );
});

Deno.test("documentId() fits the 512 bytes that Elasticsearch allows, with the longest names", () => {
  const longest = ["|".repeat(MAX_ID_LENGTH), "é".repeat(50), "🎈".repeat(25)];
  for (const name of longest) {
    const documents: ViewDocument[] = [
      post("reddit.comments-99999", name, name),
      cut(BATCH_PART, name),
      {
        type: "activity",
        part: "reddit.comments-99999",
        subreddit: name,
        window: "1m",
        window_start: MAX_TIME,
        ...counts,
        active_users: 0,
        users: "",
      },
    ];
    for (const document of documents) {
      const { length } = new TextEncoder().encode(documentId(document));
      assert(length <= 512, `${length} bytes: ${documentId(document)}`);
    }
  }
});

Deno.test("documentId() of a cut is what readers ask for", () => {
  assertEquals(documentId(cut(BATCH_PART, "a|b")), cutDocumentId(BATCH_PART, "a|b"));
});

Deno.test("viewOf() puts each document into one view, whose alias and indices carry its name", () => {
  assertEquals(viewOf(post("x", "s", "p")), "top_posts");
  assertEquals(viewOf(cut("x", "s")), "top_posts");
  assertEquals(VIEWS.map(viewAlias), [
    "views_top_posts_v1",
    "views_subreddit_activity_v1",
    "views_user_activity_v1",
  ]);
  assertEquals(viewIndex("top_posts", 42), "views_top_posts_v1-000042");
  fc.assert(fc.property(document, (d) => assert(VIEWS.includes(viewOf(d)))));
});

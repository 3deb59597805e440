import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  cutDocumentId,
  documentId,
  documentKey,
  parseDocumentKey,
  withPart,
} from "./document_keys.ts";
import {
  type ActivityDocument,
  BATCH_PART,
  type CutDocument,
  type PostDocument,
  type SubredditDocument,
  type UserTotalDocument,
  type UserWindowDocument,
  type ViewDocument,
  viewOf,
  VIEWS,
} from "./documents.ts";
import { nameKey, NO_SPELLING } from "./names.ts";
import { MAX_ID_LENGTH } from "./records.ts";
import { MAX_TIME, WINDOW_NAMES, WINDOWS, windowStart } from "./time.ts";

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

/** The fields by which a document is found. */
function fieldsOf(document: ViewDocument): Record<string, unknown> {
  const fields = document as unknown as Record<string, unknown>;
  const names = {
    post: ["type", "subreddit", "post_id"],
    cut: ["type", "subreddit"],
    subreddit: ["type", "subreddit"],
    activity: ["type", "subreddit", "window", "window_start"],
    user_window: ["type", "user_id", "window", "window_start"],
    user_total: ["type", "user_id"],
  }[document.type];
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

/** Documents as views have them: names are keys, and windows start where one of their size does. */
const keyed = document.map((document): ViewDocument => {
  const named = "user_id" in document && document.type !== "post"
    ? { ...document, user_id: nameKey(document.user_id) }
    : document;
  const placed = "subreddit" in named ? { ...named, subreddit: nameKey(named.subreddit) } : named;
  if (!("window_start" in placed)) return placed;
  return { ...placed, window_start: windowStart(placed.window_start, WINDOWS[placed.window]) };
});

Deno.test("parseDocumentKey() gives the fields that a key was made of", () => {
  fc.assert(fc.property(keyed, (document) => {
    const key = documentKey(document);
    assertEquals(withPart(document.part, key), documentId(document));
    assertEquals<unknown>(parseDocumentKey(viewOf(document), key), fieldsOf(document));
  }));
});

Deno.test("parseDocumentKey() reads only what documentKey() writes", () => {
  const texts = fc.array(
    fc.constantFrom("post", "cut", "name", "total", "1m", "1d", "60000", "|", "a", "A", "%7C", "%"),
    { maxLength: 6 },
  ).map((pieces) => pieces.join(""));
  fc.assert(fc.property(texts, fc.constantFrom(...VIEWS), (text, view) => {
    const fields = parseDocumentKey(view, text);
    if (fields !== undefined) assertEquals(documentKey(fields), text);
  }));
});

Deno.test("parseDocumentKey() has nothing for a text that is not the key of any document", () => {
  const none = {
    top_posts: [
      "",
      "post",
      "post|a",
      "post|a|",
      "post||p",
      "post|A|p",
      "post|a|b|\ud800",
      "post|%|p",
      "post|%61|p",
      "post|%7c|p",
      "cut|",
      "cut|A",
      "name|a",
      "total|a",
      "1m|60000|a",
    ],
    subreddit_activity: [
      "name",
      "name|",
      "name|A",
      "name|\udc00",
      "total|a",
      "1m|60000|",
      "1m|60000|A",
      "1m|60001|a",
      "1h|60000|a",
      "1m|060000|a",
      "1m|6e4|a",
      "1m|-0|a",
      "1m|-60000|a",
      "1m||a",
      "1m|60000.0|a",
      "1m|253402300800000|a",
      "1w|0|a",
      "toString|0|a",
    ],
    user_activity: ["name|a", "post|a|p", "total|", "total|A", "1d|0|A", "1d|1|a"],
  };
  for (const view of VIEWS) {
    for (const key of none[view]) assertEquals(parseDocumentKey(view, key), undefined, key);
  }
  // Each view has its own keys.
  assertEquals(parseDocumentKey("user_activity", "1d|0|a|b"), {
    type: "user_window",
    user_id: "a|b",
    window: "1d",
    window_start: 0,
  });
  assertEquals(parseDocumentKey("top_posts", "post|%7C|a|B"), {
    type: "post",
    subreddit: "|",
    post_id: "a|B",
  });
});

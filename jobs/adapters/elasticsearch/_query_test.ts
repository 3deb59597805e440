import type { StoredDocument, ViewQuery } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import { searchBody } from "./_query.ts";

const byId = (query: Partial<ViewQuery>): ViewQuery => ({ order: "id", limit: 10, ...query });

Deno.test("searchBody() filters by the given values, and never parses them as syntax", () => {
  const subreddit = '* OR "a"';
  const { query } = searchBody("subreddit_activity", byId({ type: "activity", subreddit }));
  assertEquals(query.bool, {
    filter: [{ term: { type: { value: "activity" } } }, {
      term: { subreddit: { value: subreddit } },
    }],
    must_not: [],
  });
  assertEquals(searchBody("top_posts", byId({})).query.bool, { filter: [], must_not: [] });
});

Deno.test("searchBody() selects speed's documents as those that are not batch's", () => {
  const batch = { term: { part: { value: "batch" } } };
  const layer = (layer: "batch" | "speed") => searchBody("top_posts", byId({ layer })).query.bool;
  assertEquals(layer("batch"), { filter: [batch], must_not: [] });
  assertEquals(layer("speed"), { filter: [], must_not: [batch] });
});

Deno.test("searchBody() selects the documents of any of the given parts", () => {
  const parts = ["batch", "reddit.posts-0"];
  const { filter, must_not } = searchBody("top_posts", byId({ parts })).query.bool;
  assertEquals([filter, must_not], [[{ terms: { part: parts } }], []]);
});

Deno.test("searchBody() includes the beginning of a range and not its end, also where one is 0", () => {
  const range = (from?: number, to?: number) =>
    searchBody(
      "user_activity",
      byId({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }),
    ).query.bool.filter;
  assertEquals(range(), []);
  assertEquals(range(5, 9), [{ range: { window_start: { gte: 5, lt: 9 } } }]);
  assertEquals(range(5), [{ range: { window_start: { gte: 5 } } }]);
  // Documents without a window are not in a range, not even in one that begins at 0.
  assertEquals(range(0), [{ range: { window_start: { gte: 0 } } }]);
  assertEquals(range(undefined, 0), [{ range: { window_start: { gte: 0, lt: 0 } } }]);
});

Deno.test("searchBody() ends every order at the id, and leaves out fields that the view has not", () => {
  const sort = (order: ViewQuery["order"], view: "top_posts" | "user_activity") =>
    searchBody(view, byId({ order })).sort.map((field) => Object.keys(field)[0]);
  assertEquals(sort("id", "top_posts"), ["id"]);
  assertEquals(sort("rank", "top_posts"), ["score", "created_utc", "post_id", "id"]);
  assertEquals(sort("rank", "user_activity"), ["id"]);
  assertEquals(sort("latest", "user_activity"), ["window_start", "id"]);
  assertEquals(sort("latest", "top_posts"), ["id"]);
  const { sort: latest } = searchBody("user_activity", byId({ order: "latest" }));
  assertEquals(latest[0], { window_start: { order: "desc", missing: -1 } });
});

Deno.test("searchBody() continues after a document by its sort values", () => {
  const total = { type: "user_total", part: "batch", user_id: "ann" };
  const after = { id: "batch|total|ann", version: 1, body: total } as unknown as StoredDocument;
  const goesOn = (query: Partial<ViewQuery>) =>
    searchBody("user_activity", byId(query)).search_after;
  assertEquals(goesOn({}), undefined);
  assertEquals(goesOn({ after }), ["batch|total|ann"]);
  // As the server orders documents without a window.
  assertEquals(goesOn({ after, order: "window" }), [-1, "batch|total|ann"]);
});

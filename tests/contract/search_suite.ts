/**
 * What every store's search must do: filters, the four orders, and paging
 * through ties without loss or repetition.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  compareUtf8,
  type ServingStore,
  type StoredDocument,
  type ViewName,
  type ViewQuery,
} from "@pipeline/core";
import { activity, post, type ServingStoreFixture, stored, total } from "./serving_store_suite.ts";
import { assertCode, AWKWARD, BINARY, conformanceTest, eventually } from "./suite.ts";

/** Ids of what a query finds. */
async function found(store: ServingStore, view: ViewName, query: Partial<ViewQuery>) {
  const page = await store.search(1, view, { order: "id", limit: 100, ...query });
  assert(page.complete);
  return page.documents.map((document) => document.id);
}

/** All documents by pages of the given size. */
async function pages(store: ServingStore, view: ViewName, query: ViewQuery) {
  const all: StoredDocument[] = [];
  for (;;) {
    const after = all.at(-1);
    const page = await store.search(1, view, { ...query, ...(after && { after }) });
    assert(page.complete);
    assert(page.documents.length <= query.limit);
    all.push(...page.documents);
    if (page.documents.length < query.limit) return all;
  }
}

const ids = (documents: readonly StoredDocument[]) => documents.map((document) => document.id);

/** Registers the tests of searching. */
export function searchSuite(
  name: string,
  make: () => Promise<ServingStoreFixture>,
  options: { readonly clean?: boolean } = {},
): void {
  const test = conformanceTest(`ServingStore ${name}: search`, make, options);

  test("finds what was written, within the refresh interval", async ({ port: store }) => {
    await store.createGeneration(1);
    const document = stored(post("a", "p"), 3);
    await store.write(1, "top_posts", [document]);
    await eventually(async () => {
      const page = await store.search(1, "top_posts", { order: "id", limit: 10 });
      assertEquals(page, { documents: [document], complete: true });
    });
    const newer = stored(post("a", "p", { user_id: "somebody else" }), 4);
    await store.write(1, "top_posts", [newer]);
    await eventually(async () => {
      const { user_id } = document.body as { user_id: string };
      assertEquals(await found(store, "top_posts", { user_id: "somebody else" }), [document.id]);
      assertEquals(await found(store, "top_posts", { user_id }), []);
    });
  });

  test("filters by every field, and by all of them", async ({ port: store }) => {
    await store.createGeneration(1);
    const hour = 3_600_000;
    const documents = [
      stored(activity("a", 0)),
      stored(activity("a", hour)),
      stored(activity("a", hour, { part: "reddit.posts-0" })),
      stored(activity("b", hour)),
      stored(activity("b", 0, { window: "1d" })),
    ];
    await store.write(1, "subreddit_activity", documents);
    await store.seal(1);
    const expect = async (query: Partial<ViewQuery>, ...which: number[]) => {
      const expected = which.map((i) => documents[i]!.id).sort(compareUtf8);
      assertEquals(await found(store, "subreddit_activity", query), expected);
    };
    await expect({}, 0, 1, 2, 3, 4);
    await expect({ subreddit: "a" }, 0, 1, 2);
    await expect({ subreddit: "A" });
    await expect({ window: "1d" }, 4);
    await expect({ layer: "batch", subreddit: "a" }, 0, 1);
    await expect({ layer: "speed" }, 2);
    await expect({ parts: ["reddit.posts-0"] }, 2);
    await expect({ parts: ["batch"], subreddit: "a" }, 0, 1);
    await expect({ parts: ["reddit.posts-0", "batch"], window: "1h" }, 0, 1, 2, 3);
    await expect({ parts: ["reddit.posts", "reddit.posts-00", "batc"] });
    await expect({ parts: ["batch"], layer: "speed" });
    await expect({ from: hour }, 1, 2, 3);
    await expect({ to: hour }, 0, 4);
    await expect({ from: 0, to: hour, window: "1h" }, 0);
    await expect({ from: hour, to: hour });
    await expect({
      type: "activity",
      subreddit: "b",
      window: "1h",
      layer: "batch",
      from: hour,
      to: hour + 1,
    }, 3);
    await expect({ type: "post" });
    await expect({ user_id: "u1" });
    const none = { order: "id", limit: 1, parts: [] } as const;
    await assertCode(() => store.search(1, "subreddit_activity", none), "invalid");
  });

  test("tells kinds of document and users apart", async ({ port: store }) => {
    await store.createGeneration(1);
    const window = stored({
      type: "user_window",
      part: "reddit.posts-1",
      user_id: "u1",
      window: "1d",
      window_start: 0,
      posts: 1,
      comments: 0,
    });
    const [one, two] = [stored(total("u1")), stored(total("u2"))];
    await store.write(1, "user_activity", [window, one, two]);
    await store.seal(1);
    assertEquals(await found(store, "user_activity", { user_id: "u1" }), ids([one, window]));
    assertEquals(await found(store, "user_activity", { user_id: "u1", type: "user_total" }), [
      one.id,
    ]);
    assertEquals(await found(store, "user_activity", { from: 0 }), [window.id]);
    assertEquals(await found(store, "user_activity", { to: 1 }), [window.id]);
  });

  test("tells the name of a subreddit from its windows", async ({ port: store }) => {
    await store.createGeneration(1);
    const named = (subreddit: string, name: string) =>
      stored({ type: "subreddit", part: "batch", subreddit, name, name_timestamp: 7 });
    const [window, name, other] = [stored(activity("a", 0)), named("a", "A"), named("b", "b")];
    await store.write(1, "subreddit_activity", [window, name, other]);
    await store.seal(1);
    const find = (query: Partial<ViewQuery>) => found(store, "subreddit_activity", query);
    assertEquals(await find({ subreddit: "a" }), ids([window, name]));
    assertEquals(await find({ type: "subreddit" }), ids([name, other]));
    for (const query of [{ type: "activity" }, { window: "1h" }, { from: 0 }, { to: 1 }] as const) {
      assertEquals(await find(query), [window.id]);
    }
    const latest = await find({ order: "latest", limit: 1 });
    assertEquals(latest, [window.id]);
    assertEquals(await store.get(1, "subreddit_activity", [name.id]), [name]);
  });

  test("takes awkward values literally", async ({ port: store }) => {
    await store.createGeneration(1);
    const names = [...AWKWARD, ...BINARY, "A", "", "語".repeat(33)];
    const documents = names.map((name) => stored(post(name, "p")));
    await store.write(1, "top_posts", documents);
    await store.seal(1);
    for (const [i, subreddit] of names.entries()) {
      assertEquals(await found(store, "top_posts", { subreddit }), [documents[i]!.id]);
    }
    assertEquals(await found(store, "top_posts", { subreddit: "?" }), []);
  });

  test("orders by id as UTF-8 does", async ({ port: store }) => {
    await store.createGeneration(1);
    const documents = ["b", "B", "ü", "\u{ffee}", "🎈", "a10", "a2", "", ...BINARY].map((u) =>
      stored(total(u))
    );
    await store.write(1, "user_activity", documents);
    await store.seal(1);
    const sorted = ids(documents).sort(compareUtf8);
    assertEquals(await found(store, "user_activity", {}), sorted);
    assertEquals(ids(await pages(store, "user_activity", { order: "id", limit: 3 })), sorted);
  });

  test("rank: score, created_utc and post_id descending, then id", async ({ port: store }) => {
    await store.createGeneration(1);
    const rank: [number, number, string, string][] = [
      [9, 1, "a", "batch"],
      [5, 7, "b", "batch"],
      [5, 7, "a", "batch"],
      [5, 7, "a", "reddit.posts-0"],
      [5, 7, "a", "reddit.posts-1"],
      [5, 7, "A", "batch"],
      [5, 6, "\u{1f388}", "batch"],
      [5, 6, "\u{ffee}", "batch"],
      [0, 0, "z", "batch"],
      [-1, 9, "z", "reddit.posts-0"],
      [-7, 1, "b", "batch"],
    ];
    const documents = rank.map(([score, created_utc, id, part]) =>
      stored(post("s", id, { score, created_utc, part, title: `${score} ${created_utc}` }))
    );
    const unique = documents.map((document, i) => ({ ...document, id: `${document.id}|${i}` }));
    await store.write(1, "top_posts", unique.toReversed());
    await store.write(1, "top_posts", [stored(post("other", "x", { score: 99 }))]);
    await store.seal(1);
    const query = { order: "rank", subreddit: "s" } as const;
    assertEquals(await found(store, "top_posts", query), ids(unique));
    for (const limit of [1, 2, 3, 4, 11]) {
      assertEquals(ids(await pages(store, "top_posts", { ...query, limit })), ids(unique));
    }
    assertEquals(
      await found(store, "top_posts", { ...query, layer: "speed" }),
      ids([unique[3]!, unique[4]!, unique[9]!]),
    );
  });

  test("window and latest: by window_start, ties ascending by id", async ({ port: store }) => {
    await store.createGeneration(1);
    const starts = [0, 0, 0, 60_000, 120_000, 120_000, 10 ** 12, 10 ** 12, 10 ** 12];
    const documents = starts.map((start, i) =>
      stored(activity(`s${i % 3}`, start, { window: "1m" }))
    );
    const more = starts.map((start, i) =>
      stored(activity(`s${i % 3}`, start, { window: "1m", part: "reddit.posts-0" }))
    );
    const all = [...documents, ...more].sort((a, b) => compareUtf8(a.id, b.id));
    await store.write(1, "subreddit_activity", all);
    await store.seal(1);
    const start = (document: StoredDocument) =>
      (document.body as { window_start: number }).window_start;
    const ascending = all.toSorted((a, b) => start(a) - start(b) || compareUtf8(a.id, b.id));
    const descending = all.toSorted((a, b) => start(b) - start(a) || compareUtf8(a.id, b.id));
    for (const limit of [1, 4, 7, 100]) {
      const window = await pages(store, "subreddit_activity", { order: "window", limit });
      assertEquals(ids(window), ids(ascending));
      const latest = await pages(store, "subreddit_activity", {
        order: "latest",
        limit,
        window: "1m",
      });
      assertEquals(ids(latest), ids(descending));
    }
    const one = await pages(store, "subreddit_activity", {
      order: "latest",
      limit: 2,
      subreddit: "s1",
      from: 1,
      to: 10 ** 12,
    });
    const isOne = (document: StoredDocument) =>
      (document.body as { subreddit: string }).subreddit === "s1" && start(document) > 0 &&
      start(document) < 10 ** 12;
    assertEquals(ids(one), ids(descending.filter(isOne)));
  });

  test("gives full pages up to 10,000 and no more", async ({ port: store }) => {
    await store.createGeneration(1);
    const documents = [...Array(10_500).keys()].map((i) => stored(total(`u${i}`)));
    await store.write(1, "user_activity", documents);
    await store.seal(1);
    const all = await pages(store, "user_activity", { order: "id", limit: 10_000 });
    assertEquals(ids(all), ids(documents).sort(compareUtf8));
    const search = (limit: number) => store.search(1, "user_activity", { order: "id", limit });
    assertEquals((await search(0)).documents, []);
    for (const limit of [10_001, -1, 1.5, NaN]) await assertCode(() => search(limit), "invalid");
  });

  test("pages on from a document that has changed or gone since", async ({ port: store }) => {
    await store.createGeneration(1);
    const documents = ["a", "b", "c"].map((id, i) => stored(post("s", id, { score: 10 - i })));
    await store.write(1, "top_posts", documents);
    await store.seal(1);
    const after = stored(post("s", "bb", { score: 9 }), 1);
    const query = { order: "rank", subreddit: "s", after } as const;
    assertEquals(await found(store, "top_posts", query), ids(documents.slice(1)));
  });
}

/**
 * What every serving store must do: generations, versions, aliases and control
 * documents. Searching has a suite of its own.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  documentId,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
  viewOf,
  VIEWS,
} from "@pipeline/core";
import { searchSuite } from "./search_suite.ts";
import { assertCode, AWKWARD, BINARY, conformanceTest, eventually, type Fixture } from "./suite.ts";

/** A store under test, empty. */
export type ServingStoreFixture = Fixture<ServingStore>;

/** A post's document. */
export function post(subreddit: string, id: string, more: object = {}): ViewDocument {
  return {
    type: "post",
    part: "batch",
    subreddit,
    post_id: id,
    title: `Title of ${id}`,
    user_id: "u1",
    score: 1,
    num_comments: 0,
    created_utc: 1_000,
    timestamp: 1_000,
    ...more,
  };
}

/** A subreddit's activity in the hour that starts at `start`. */
export function activity(subreddit: string, start: number, more: object = {}): ViewDocument {
  return {
    type: "activity",
    part: "batch",
    subreddit,
    window: "1h",
    window_start: start,
    posts: 1,
    comments: 2,
    active_users: 1,
    users: "e:u1",
    ...more,
  } as ViewDocument;
}

/** A user's totals. */
export function total(user: string, more: object = {}): ViewDocument {
  return {
    type: "user_total",
    part: "batch",
    user_id: user,
    name: user,
    name_timestamp: 5,
    posts: 1,
    comments: 2,
    subreddits: "",
    last_active: 5,
    karma_timestamp: -1,
    karma: 0,
    username: "",
    ...more,
  };
}

/** A document under its own id. */
export function stored(body: ViewDocument, version = 1): StoredDocument {
  return { id: documentId(body), version, body };
}

/** Registers the tests of the store. */
export function servingStoreSuite(
  name: string,
  make: () => Promise<ServingStoreFixture>,
  options: { readonly clean?: boolean } = {},
): void {
  const test = conformanceTest(`ServingStore ${name}`, make, options);
  searchSuite(name, make, options);

  test("createGeneration() makes it once and keeps what is in it", async ({ port: store }) => {
    assertEquals(await store.generations(), []);
    assertEquals(await store.current(), undefined);
    await store.createGeneration(10);
    await store.createGeneration(9);
    await store.write(9, "top_posts", [stored(post("a", "p"))]);
    await store.createGeneration(9);
    assertEquals(await store.generations(), [9, 10]);
    await eventually(async () => assertEquals(await store.count(9, "top_posts"), 1));
    assertEquals(await store.count(10, "top_posts"), 0);
    for (const bad of [0, -1, 1.5, NaN]) {
      await assertCode(() => store.createGeneration(bad), "invalid");
    }
  });

  test("write() is visible to get() at once, in the order of ids", async ({ port: store }) => {
    await store.createGeneration(1);
    const documents = ["p1", "p2", "p3"].map((id, i) =>
      stored(post("a", id, { score: -i }), i + 1)
    );
    await store.write(1, "top_posts", documents);
    const ids = [documents[2]!.id, "missing", documents[0]!.id, documents[2]!.id];
    assertEquals(
      await store.get(1, "top_posts", ids),
      [documents[2], undefined, documents[0], documents[2]],
    );
    assertEquals(await store.get(1, "top_posts", []), []);
    assertEquals(await store.get(1, "user_activity", [documents[0]!.id]), [undefined]);
    await store.write(1, "top_posts", []);
  });

  test("write() keeps the greatest version, whatever the order", async ({ port: store }) => {
    await store.createGeneration(1);
    const version = (v: number) => stored(post("a", "p", { score: v }), v);
    const { id } = version(0);
    const now = async () => (await store.get(1, "top_posts", [id]))[0];
    await store.write(1, "top_posts", [version(5)]);
    await store.write(1, "top_posts", [version(4)]);
    assertEquals(await now(), version(5));
    await store.write(1, "top_posts", [{ ...version(4), version: 5 }]);
    assertEquals(await now(), version(5), "an equal version is left alone");
    await store.write(1, "top_posts", [version(7), version(9), version(8)]);
    assertEquals(await now(), version(9));
    const huge = 9_000_000_000_000_000;
    await store.write(1, "top_posts", [version(huge)]);
    assertEquals(await now(), version(huge));
    await eventually(async () => assertEquals(await store.count(1, "top_posts"), 1));
  });

  test("write() by several at once ends at the greatest version", async ({ port: store }) => {
    await store.createGeneration(1);
    const ids = [...Array(50).keys()].map((i) => `p${i}`);
    const round = (v: number) => ids.map((id) => stored(post("a", id, { score: v }), v));
    await Promise.all([3, 1, 5, 2, 4].map((v) => store.write(1, "top_posts", round(v))));
    const found = await store.get(1, "top_posts", round(1).map((document) => document.id));
    assertEquals(found, round(5));
  });

  test("write() takes many, large and awkward documents to the letter", async ({ port: store }) => {
    await store.createGeneration(1);
    const many = [...Array(2_500).keys()].map((i) => stored(total(`user ${i}`)));
    const names = [
      ...AWKWARD,
      ...BINARY,
      "../_cluster",
      "a|b",
      "🎈".repeat(25),
      "語".repeat(33),
      "",
    ];
    const odd = names.map((name) => stored(total(name, { username: name }), 3));
    const large = stored(total("large", { subreddits: "x".repeat(300_000) }));
    await store.write(1, "user_activity", [...many, ...odd, large]);
    for (const documents of [many, odd, [large]]) {
      const ids = documents.map((document) => document.id);
      assertEquals(await store.get(1, "user_activity", ids), documents);
    }
    await store.seal(1);
    assertEquals(await store.count(1, "user_activity"), many.length + odd.length + 1);
    const posts = names.map((name) => stored(post(name, name, { title: name })));
    await store.write(1, "top_posts", posts);
    assertEquals(await store.get(1, "top_posts", posts.map((p) => p.id)), posts);
  });

  test("every kind of document comes back as it was written", async ({ port: store }) => {
    await store.createGeneration(1);
    const bodies: ViewDocument[] = [
      post("a", "p", { score: -3, num_comments: 2 ** 40 }),
      {
        type: "cut",
        part: "batch",
        subreddit: "a",
        post_id: "p",
        score: 1,
        created_utc: 2,
        timestamp: 3,
      },
      activity("a", 3_600_000),
      {
        type: "user_window",
        part: "reddit.posts-0",
        user_id: "u",
        window: "1d",
        window_start: 0,
        posts: 1,
        comments: 0,
      },
      total("u", { last_active: -1, karma: -5 }),
    ];
    for (const body of bodies) {
      await store.write(1, viewOf(body), [stored(body)]);
      assertEquals((await store.get(1, viewOf(body), [documentId(body)]))[0], stored(body));
    }
  });

  test("write() of a document of another view is refused", async ({ port: store }) => {
    await store.createGeneration(1);
    await assertCode(() => store.write(1, "top_posts", [stored(total("u"))]), "invalid");
    await assertCode(() => store.write(1, "top_posts", [stored(post("a", "p"), -1)]), "invalid");
  });

  test("a missing generation is not_found and never made anew", async ({ port: store }) => {
    const document = stored(post("a", "p"));
    const refuse = async (generation: number) => {
      await assertCode(() => store.write(generation, "top_posts", [document]), "not_found");
      await assertCode(() => store.get(generation, "top_posts", [document.id]), "not_found");
      await assertCode(
        () => store.search(generation, "top_posts", { order: "id", limit: 1 }),
        "not_found",
      );
      await assertCode(() => store.count(generation, "top_posts"), "not_found");
      await assertCode(() => store.seal(generation), "not_found");
      await assertCode(() => store.switchTo(generation, undefined), "not_found");
    };
    await refuse(1);
    await store.createGeneration(2);
    await store.write(2, "top_posts", [document]);
    await store.dropGeneration(2);
    await refuse(2);
    assertEquals(await store.generations(), []);
    await store.createGeneration(2);
    assertEquals(await store.get(2, "top_posts", [document.id]), [undefined]);
  });

  test("switchTo() moves all views in one step, or none", async ({ port: store }) => {
    for (const generation of [1, 2, 3]) await store.createGeneration(generation);
    await store.switchTo(1, undefined);
    assertEquals(await store.current(), 1);
    await assertCode(() => store.switchTo(2, undefined), "conflict");
    await assertCode(() => store.switchTo(2, 3), "conflict");
    assertEquals(await store.current(), 1);
    await store.switchTo(2, 1);
    await assertCode(() => store.switchTo(3, 1), "conflict");
    assertEquals(await store.current(), 2);
    await store.switchTo(1, 2);
    assertEquals(await store.current(), 1);
  });

  test("switchTo() by two at once: one wins", async ({ port: store }) => {
    for (const generation of [1, 2, 3]) await store.createGeneration(generation);
    await store.switchTo(1, undefined);
    const results = await Promise.allSettled([2, 3].map((g) => store.switchTo(g, 1)));
    const won = results.findIndex((result) => result.status === "fulfilled");
    assertEquals(results.filter((result) => result.status === "fulfilled").length, 1);
    assertEquals(await store.current(), won + 2);
  });

  test("dropGeneration() spares the current one", async ({ port: store }) => {
    for (const generation of [1, 2]) await store.createGeneration(generation);
    await store.switchTo(2, undefined);
    await assertCode(() => store.dropGeneration(2), "conflict");
    await store.dropGeneration(1);
    await store.dropGeneration(1);
    assertEquals(await store.generations(), [2]);
    assertEquals(await store.count(2, "top_posts"), 0);
  });

  test("putWatermarks() lets whoever finds them find all documents before them", async ({ port: store }) => {
    await store.createGeneration(1);
    assertEquals(await store.watermarks(1), []);
    const parts = ["reddit.users-0", "reddit.posts-0", "reddit.posts-10"];
    const marks = (version: number, ...of: string[]) =>
      of.map((part) => ({ part, version, body: { part, next: version - 1, list: [1, null] } }));
    for (const version of [1, 5, 4]) {
      const bodies = [
        post("a", `p${version}`, { part: parts[1] }),
        activity("a", version * 3_600_000, { part: parts[1] }),
        total(`u${version}`, { part: parts[1] }),
      ];
      for (const body of bodies) await store.write(1, viewOf(body), [stored(body, version)]);
      assertEquals(await store.putWatermarks(1, marks(version, ...parts)), "stored");
      const query = { order: "id", limit: 10, parts: [parts[1]!] } as const;
      for (const body of bodies) {
        const { documents } = await store.search(1, viewOf(body), query);
        assert(documents.some(({ id }) => id === documentId(body)), `${version} ${body.type}`);
      }
    }
    // In the order of parts; an older one has replaced none.
    const expected = marks(5, parts[1]!, parts[2]!, parts[0]!);
    await eventually(async () => assertEquals(await store.watermarks(1), expected));
    assertEquals(await store.putWatermarks(1, []), "stored");
    assertEquals(await store.putWatermarks(1, marks(9, parts[1]!)), "stored");
    const later = [...marks(9, parts[1]!), ...expected.slice(1)];
    await eventually(async () => assertEquals(await store.watermarks(1), later));
  });

  test("watermarks are no documents, and go with their generation", async ({ port: store }) => {
    for (const generation of [1, 2]) await store.createGeneration(generation);
    const one = (body: unknown) => [{ part: "reddit.posts-0", version: 1, body }];
    assertEquals(await store.putWatermarks(1, one("one")), "stored");
    assertEquals(await store.putWatermarks(2, one("two")), "stored");
    await eventually(async () => assertEquals(await store.watermarks(2), one("two")));
    for (const view of VIEWS) {
      assertEquals(await store.count(1, view), 0);
      for (const query of [{}, { layer: "speed" }, { parts: ["reddit.posts-0"] }] as const) {
        const page = await store.search(1, view, { order: "id", limit: 10, ...query });
        assertEquals(page, { documents: [], complete: true });
      }
    }
    await store.dropGeneration(1);
    assertEquals(await store.watermarks(1), undefined);
    await assertCode(() => store.putWatermarks(1, one("one")), "not_found");
    await store.createGeneration(1);
    assertEquals(await store.watermarks(1), []);
    for (const bad of [{ part: "batch", version: 1 }, { part: "p", version: 0 }]) {
      await assertCode(() => store.putWatermarks(2, [{ ...bad, body: 0 }]), "invalid");
    }
  });

  test("documents of both layers are one view", async ({ port: store }) => {
    await store.createGeneration(1);
    const parts = ["batch", "reddit.posts-0", "reddit.posts-1"];
    const documents = parts.map((part, i) => stored(post("a", "p", { part, score: i }), i + 1));
    await store.write(1, "top_posts", documents);
    const found = documents.map(({ id }) => id);
    assertEquals(
      await store.get(1, "top_posts", [found[1]!, "nobody|a|p", found[0]!, found[2]!]),
      [documents[1], undefined, documents[0], documents[2]],
    );
    await store.refresh(1);
    assertEquals(await store.count(1, "top_posts"), 3);
    const page = await store.search(1, "top_posts", { order: "rank", limit: 10 });
    assertEquals(page.documents, documents.toReversed());
    const next = await store.search(1, "top_posts", {
      order: "rank",
      limit: 10,
      after: documents[2]!,
    });
    assertEquals(next.documents, [documents[1]!, documents[0]!]);
  });

  test("refresh() lets search() see what was written before", async ({ port: store }) => {
    await store.createGeneration(1);
    const document = stored(post("a", "p"), 3);
    await store.write(1, "top_posts", [document]);
    await store.refresh(1);
    const found = await store.search(1, "top_posts", { order: "id", limit: 10 });
    assertEquals(found, { documents: [document], complete: true });
    await assertCode(() => store.refresh(2), "not_found");
  });

  test("seal() makes all of it searchable", async ({ port: store }) => {
    await store.createGeneration(1);
    for (const [i, view] of VIEWS.entries()) {
      const body = [post("a", "p"), activity("a", 0), total("u")][i]!;
      await store.write(1, view, [stored(body)]);
    }
    await store.seal(1);
    for (const view of VIEWS) {
      assertEquals(await store.count(1, view), 1);
      const page = await store.search(1, view, { order: "id", limit: 10 });
      assertEquals([page.documents.length, page.complete], [1, true]);
    }
  });

  test("a store in which nothing was ever written is empty, and nothing fails", async ({ port: store }) => {
    await store.removeControls(["missing"]);
    assertEquals(await store.controls(""), []);
    assertEquals(await store.generations(), []);
    assertEquals(await store.current(), undefined);
  });

  test("control documents are found by id and prefix", async ({ port: store }) => {
    assertEquals(await store.control("missing"), undefined);
    const ids = [
      "folded/1/b",
      "folded/1/a",
      "folded/10/a",
      "fold",
      ...[...AWKWARD, ...BINARY].map((n) => `n/${n}`),
    ];
    for (const id of ids) assertEquals(await store.putControl(id, { id, list: [1, null] }, 0), 1);
    for (const id of ids) {
      assertEquals(await store.control(id), { id, version: 1, body: { id, list: [1, null] } });
    }
    const found = async (prefix: string) => (await store.controls(prefix)).map(({ id }) => id);
    assertEquals(await found("folded/1/"), ["folded/1/a", "folded/1/b"]);
    assertEquals(await found("folded/"), ["folded/1/a", "folded/1/b", "folded/10/a"]);
    assertEquals(await found("%"), []);
    assertEquals(await found("n/%"), ["n/%25"]);
    assertEquals((await found("")).length, ids.length);
    await store.removeControls(["folded/1/a", "missing"]);
    assertEquals(await found("folded/1/"), ["folded/1/b"]);
    assertEquals(await store.putControl("folded/1/a", 7, 0), 1);
  });

  test("putControl() writes only over the version expected", async ({ port: store }) => {
    await assertCode(() => store.putControl("lock", "x", 1), "conflict");
    assertEquals(await store.putControl("lock", "a", 0), 1);
    await assertCode(() => store.putControl("lock", "b", 0), "conflict");
    assertEquals(await store.putControl("lock", "c", 1), 2);
    assertEquals(await store.control("lock"), { id: "lock", version: 2, body: "c" });
  });

  test("putControl() by many at once: each version has one winner", async ({ port: store }) => {
    let version = 0;
    for (let round = 0; round < 5; round++) {
      const tries = [...Array(8).keys()].map((i) => store.putControl("lock", i, version));
      const results = await Promise.allSettled(tries);
      const winners = results.filter((result) => result.status === "fulfilled");
      assertEquals(winners.map((winner) => winner.value), [version + 1]);
      const winner = results.findIndex((result) => result.status === "fulfilled");
      assertEquals(await store.control("lock"), { id: "lock", version: ++version, body: winner });
    }
  });

  test("putControls() keeps the greatest version", async ({ port: store }) => {
    const control = (id: string, version: number) => ({ id, version, body: { offset: version } });
    await store.putControls([control("a", 5), control("b", 1)]);
    await store.putControls([control("a", 4), control("b", 2), control("c", 1)]);
    await store.putControls([{ ...control("b", 2), body: "an equal version" }]);
    assertEquals(await store.controls(""), [control("a", 5), control("b", 2), control("c", 1)]);
    await assertCode(() => store.putControls([control("d", 0)]), "invalid");
    await store.putControls([]);
  });

  test("close() ends it", async ({ port: store }) => {
    await store.createGeneration(1);
    await store.close();
    await assertCode(() => store.current(), "stopped");
    await assertCode(() => store.write(1, "top_posts", []), "stopped");
    assert(true);
  });
}

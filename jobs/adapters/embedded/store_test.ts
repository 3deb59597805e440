import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  documentId,
  PipelineError,
  type StoredDocument,
  type ViewDocument,
  type ViewName,
  viewOf,
  type ViewQuery,
  VIEWS,
  WINDOW_NAMES,
} from "@pipeline/core";
import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { MemoryStore } from "../testing/mod.ts";
import { EmbeddedStore } from "./mod.ts";
import { selectPage } from "./schema.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function userTotal(user: string, karma = 0): ViewDocument {
  return {
    type: "user_total",
    part: "batch",
    user_id: user,
    name: user,
    name_timestamp: 5,
    posts: 1,
    comments: 2,
    subreddits: "",
    last_active: -1,
    karma_timestamp: -1,
    karma,
    username: user,
  };
}

const stored = (body: ViewDocument, version = 1): StoredDocument => ({
  id: documentId(body),
  version,
  body,
});

const name = fc.constantFrom("a", "b", "B", "", "a\0", "\x01", "ü", "🎈", "%", "__proto__");
const small = fc.integer({ min: -2, max: 3 });
const part = fc.constantFrom("batch", "reddit.posts-0", "reddit.comments-1");
const window = fc.constantFrom(...WINDOW_NAMES);
const start = fc.integer({ min: 0, max: 4 });

const body: fc.Arbitrary<ViewDocument> = fc.oneof(
  fc.record({
    type: fc.constant("post" as const),
    part,
    subreddit: name,
    post_id: name,
    title: name,
    user_id: name,
    score: small,
    num_comments: small,
    created_utc: start,
    timestamp: start,
  }),
  fc.record({
    type: fc.constant("activity" as const),
    part,
    subreddit: name,
    window,
    window_start: start,
    posts: small,
    comments: small,
    active_users: small,
    users: name,
  }),
  fc.record({
    type: fc.constant("user_window" as const),
    part,
    user_id: name,
    window,
    window_start: start,
    posts: small,
    comments: small,
  }),
  name.map((user) => userTotal(user)),
);

const query = (documents: readonly StoredDocument[]): fc.Arbitrary<ViewQuery> =>
  fc.record({
    type: fc.constantFrom("post" as const, "user_total" as const),
    subreddit: name,
    user_id: name,
    window,
    layer: fc.constantFrom("batch" as const, "speed" as const),
    parts: fc.uniqueArray(fc.oneof(part, fc.constant("reddit.posts-00")), { minLength: 1 }),
    from: start,
    to: start,
    order: fc.constantFrom("id" as const, "rank" as const, "window" as const, "latest" as const),
    after: documents.length > 0
      ? fc.constantFrom(...documents)
      : fc.constant(stored(userTotal(""))),
    limit: fc.integer({ min: 0, max: 6 }),
  }, { requiredKeys: ["order", "limit"] });

Deno.test("EmbeddedStore answers every query as the store in memory does", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    let generation = 0;
    const writes = fc.array(fc.tuple(body, fc.integer({ min: 0, max: 3 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        writes.chain((written) => {
          const documents = written.map(([body, version]) => stored(body, version));
          const queries = fc.array(query(documents), { minLength: 10, maxLength: 10 });
          return fc.tuple(fc.constant(documents), queries);
        }),
        async ([documents, queries]) => {
          const memory = new MemoryStore();
          await memory.createGeneration(++generation);
          await store.createGeneration(generation);
          for (const document of documents) {
            const view = viewOf(document.body);
            await memory.write(generation, view, [document]);
            await store.write(generation, view, [document]);
          }
          for (const view of VIEWS) {
            for (const { after, ...rest } of queries) {
              const continued = after !== undefined && viewOf(after.body) === view;
              const query = continued ? { ...rest, after } : rest;
              assertEquals(
                await store.search(generation, view, query),
                await memory.search(generation, view, query),
              );
            }
            assertEquals(await store.count(generation, view), await memory.count(generation, view));
          }
          await store.dropGeneration(generation);
        },
      ),
      { numRuns: 60 },
    );
    await store.close();
  }));

Deno.test("EmbeddedStore answers the served queries from an index", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    await store.createGeneration(1);
    await store.close();
    const database = new DatabaseSync(`${folder}/generation-000001-1.db`);
    const plan = (view: ViewName, query: Omit<ViewQuery, "limit">) => {
      const { sql, values } = selectPage(view, { limit: 10, ...query });
      return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
        .map((row) => String(row.detail)).join("; ");
    };
    const after = stored(userTotal("u"));
    const served: [ViewName, Omit<ViewQuery, "limit">][] = [
      ["top_posts", { type: "post", subreddit: "a", order: "rank" }],
      ["top_posts", { type: "post", subreddit: "a", layer: "speed", order: "rank", after }],
      ["subreddit_activity", { subreddit: "a", window: "1h", from: 0, to: 9, order: "window" }],
      ["subreddit_activity", { subreddit: "a", window: "1h", order: "latest", after }],
      ["subreddit_activity", { window: "1h", order: "latest" }],
      ["subreddit_activity", { window: "1h", from: 5, to: 6, order: "window", after }],
      ["user_activity", { user_id: "u", window: "1d", order: "window" }],
      ["user_activity", { user_id: "u", type: "user_total", order: "id" }],
      ["subreddit_activity", { window: "1h", from: 5, to: 6, order: "window", parts: ["a-0"] }],
    ];
    for (const [view, query] of served) {
      const text = plan(view, query);
      assert(text.includes(`SEARCH ${view} USING INDEX`), `${JSON.stringify(query)}: ${text}`);
    }
    const parts = ["reddit.posts-0", "reddit.posts-1"];
    const ranked = plan("top_posts", { type: "post", subreddit: "a", order: "rank", parts });
    assert(ranked.includes("USING INDEX top_posts_0"), ranked);
    for (const query of [{ after }, { parts }]) {
      const text = plan("user_activity", { order: "id", ...query });
      assert(text.includes("USING INDEX sqlite_autoindex"), text);
    }
    database.close();
  }));

Deno.test("EmbeddedStore on several connections sees writes, switches and drops of the others", () =>
  withFolder(async (folder) => {
    const [one, two] = [new EmbeddedStore(folder), new EmbeddedStore(folder)];
    const document = stored(userTotal("u"));
    await one.createGeneration(1);
    await two.write(1, "user_activity", [document]);
    assertEquals(await one.get(1, "user_activity", [document.id]), [document]);
    await two.createGeneration(2);
    await one.switchTo(2, undefined);
    assertEquals(await two.current(), 2);
    await two.dropGeneration(1);
    const gone = await one.get(1, "user_activity", [document.id]).catch((error) => error.code);
    assertEquals(gone, "not_found");
    await one.createGeneration(1);
    assertEquals(await two.count(1, "user_activity"), 0);
    assertEquals(await one.count(1, "user_activity"), 0);
    await one.close();
    await two.close();
  }));

Deno.test("EmbeddedStore takes writes from several threads at once", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    await store.createGeneration(1);
    const source = new URL("./store_test_worker.ts", import.meta.url);
    const rounds = 20;
    const workers = [0, 1].map((number) => {
      const worker = new Worker(source, { type: "module" });
      const done = Promise.withResolvers<void>();
      worker.onmessage = ({ data }) => {
        if (data === "ready") worker.postMessage({ folder, number, rounds });
        else if (data === "done") done.resolve();
        else done.reject(data);
      };
      worker.onerror = (event) => done.reject(event.error ?? event.message);
      return done.promise.finally(() => worker.terminate());
    });
    for (let version = 1; version <= rounds; version++) {
      await store.write(1, "user_activity", [stored(userTotal("main", version), version)]);
    }
    await Promise.all(workers);
    assertEquals(await store.count(1, "user_activity"), 1 + 2 * 600);
    const { documents } = await store.search(1, "user_activity", { order: "id", limit: 2_000 });
    for (const { version } of documents) assertEquals(version, rounds);
    await store.close();
  }));

Deno.test("EmbeddedStore sweeps files of generations that do not count", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    await store.createGeneration(3);
    await store.close();
    Deno.writeTextFileSync(`${folder}/generation-000004-9.db`, "left by a crash");
    const again = new EmbeddedStore(folder, { sweep: true });
    const files = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    assertEquals(files.filter((name) => name.startsWith("generation-")), [
      "generation-000003-1.db",
    ]);
    assertEquals(await again.count(3, "top_posts"), 0);
    await again.close();
  }));

Deno.test("EmbeddedStore reports in one line what is wrong with its files", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(
      `${folder}/registry.db`,
      "this is no database, but long enough".repeat(99),
    );
    const error = assertThrows(() => new EmbeddedStore(folder), PipelineError);
    assert(error.message.startsWith(`Cannot open store ${folder}`));
    assert(!error.message.includes("\n"));
    return Promise.resolve();
  }));

Deno.test("EmbeddedStore keeps the thread free for timers while it loads", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    await store.createGeneration(1);
    let last = performance.now();
    const pauses: number[] = [];
    const timer = setInterval(() => {
      pauses.push(performance.now() - last);
      last = performance.now();
    }, 1);
    const documents = [...Array(20_000).keys()].map((i) => stored(userTotal(`user ${i}`)));
    await store.write(1, "user_activity", documents);
    clearInterval(timer);
    assert(pauses.length > 10, `${pauses.length} ticks`);
    await store.close();
  }));

Deno.test("EmbeddedStore has no place for watermarks in generations of earlier versions", () =>
  withFolder(async (folder) => {
    const store = new EmbeddedStore(folder);
    await store.createGeneration(1);
    await store.close();
    const file = new DatabaseSync(`${folder}/generation-000001-1.db`);
    file.exec("DROP TABLE watermarks");
    file.close();
    const opened = new EmbeddedStore(folder);
    const watermarks = [{ part: "reddit.posts-0", version: 1, body: 0 }];
    assertEquals(await opened.putWatermarks(1, watermarks), "absent");
    assertEquals(await opened.watermarks(1), undefined);
    await opened.write(1, "user_activity", [stored(userTotal("a"))]);
    assertEquals(await opened.count(1, "user_activity"), 1);
    await opened.close();
  }));

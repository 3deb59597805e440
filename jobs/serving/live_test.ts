/** The API on folds in memory: where answers come from, what is kept, and an outage of the store. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { offsetVector, PipelineError, type ServingStore } from "@pipeline/core";
import { createLogger, Metrics, TestClock } from "@pipeline/runtime";
import { readManifest } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";
import { topAnswer } from "./api/schemas.ts";
import { type AppOptions, createApp } from "./app.ts";
import { Source } from "./reading/source.ts";
import { Summarizer, type Summary } from "./summary.ts";
import { FakeParts, foldAll } from "./testing/parts.ts";
import { addGeneration, buildStore, comment, NOON, post, user } from "./testing/world.ts";

const LAYERS = {
  batch: [
    post({ score: 3 }),
    post({ post_id: "t3_9", score: 9, created_utc: NOON - 3_600_000 }),
    user({ user_id: "u_2" }),
    comment({ comment_id: "t1_9", subreddit: "other", user_id: "u_3" }),
  ],
  speed: [
    post({ post_id: "t3_2", score: 5 }),
    post({ post_id: "t3_9", score: 1, created_utc: NOON - 3_600_000, timestamp: NOON }),
    post({ post_id: "t3_3", score: 4, subreddit: "other", user_id: "u_3" }),
    comment({ user_id: "u_2" }),
    comment({ comment_id: "t1_2", user_id: "u_2", subreddit: "Other" }),
    user({ user_id: "u_2", karma: 12, timestamp: NOON + 1 }),
  ],
};

const PATHS = [
  "/v1/subreddits/deno/top?k=2",
  "/v1/subreddits/other/activity?window=1h",
  "/v1/subreddits/deno/activity?window=1d&from=2026-01-30&to=2026-02-01",
  "/v1/subreddits?sort=trending",
  "/v1/subreddits?sort=active_users&window=1d",
  "/v1/subreddits?sort=posts&at=2026-01-31T11:30:00Z",
  "/v1/users/u_2/activity",
  "/v1/users/nobody/activity",
  "/v1/status",
];

/** A store that can be away, and records its calls. */
function switchable(store: ServingStore) {
  const state = { away: false, calls: [] as string[] };
  const proxy = new Proxy(store, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        state.calls.push(String(name));
        if (!state.away) return method.apply(target, args);
        return Promise.reject(new PipelineError("unavailable", "es-0 refused"));
      };
    },
  });
  return { store: proxy, state };
}

async function setUp(options: Partial<AppOptions> = {}) {
  const clock = new TestClock(NOON);
  const { store, state } = switchable(options.store ?? await buildStore(LAYERS));
  const ends = () => Promise.resolve(offsetVector(3, () => 9));
  const metrics = new Metrics();
  const app = createApp({ ends, clock, metrics, ...options, store });
  const fetch = async (path: string) => await app.fetch(new Request(`http://localhost${path}`));
  const get = async (path: string) => await (await fetch(path)).json();
  return { app, fetch, get, state, clock, metrics };
}

/** An answer without where it comes from. */
function withoutSources(answer: { provenance?: { sources?: unknown } }) {
  const { provenance: { sources: _, ...provenance } = {}, ...rest } = answer;
  return { ...rest, provenance };
}

Deno.test("every endpoint gives one answer, from memory, from the store, or from both", async () => {
  const folds = foldAll(LAYERS);
  const empty = await buildStore(LAYERS, {
    unfolded: folds.map(({ topic, partition }) => `${topic}-${partition}`),
  });
  const apps = {
    store: await setUp(),
    memory: await setUp({ store: empty, parts: new FakeParts(folds) }),
    mixed: await setUp({ parts: new FakeParts(folds.filter((_, i) => i % 2 === 0)) }),
  };
  for (const path of PATHS) {
    const answers = await Promise.all(Object.values(apps).map(({ get }) => get(path)));
    const [store, memory, mixed] = answers.map((answer) => {
      // The documents in the store are counted as they are there.
      const { documents: _, ...rest } = withoutSources(answer) as { documents?: unknown };
      return rest;
    });
    assertEquals(memory, store, path);
    assertEquals(mixed, store, path);
    const sources = answers.map(({ provenance }) =>
      new Set(Object.values(provenance.sources).flat())
    );
    assertEquals(
      sources,
      [new Set(["store"]), new Set(["memory"]), new Set(["memory", "store"])],
      path,
    );
  }
});

Deno.test("an answer that was given before makes no call to the store", async () => {
  const { get, state, clock, metrics } = await setUp({ parts: new FakeParts(foldAll(LAYERS)) });
  const before = [];
  for (const path of PATHS) before.push(await get(path));
  state.calls.length = 0;
  for (const [i, path] of PATHS.entries()) assertEquals(await get(path), before[i], path);
  assertEquals(state.calls, []);
  // Aliases, manifest and watermarks are read once more for all requests.
  await clock.advance(1_000);
  for (const [i, path] of PATHS.entries()) assertEquals(await get(path), before[i], path);
  assertEquals(state.calls.sort(), ["control", "controls", "current", "watermarks"]);
  const text = await metrics.render();
  assertMatch(text, /^serving_cache_reads_total\{result="hit"\} [1-9]/m);
  assertMatch(text, /^serving_cache_bytes [1-9]/m);
  assertMatch(text, /^serving_parts_total\{source="memory"\} [1-9]/m);
  assertMatch(text, /^serving_parts_total\{source="store"\} 0$/m);
});

Deno.test("while the store is away, answers go on, and what was never read is a 503", async () => {
  const parts = new FakeParts(foldAll(LAYERS));
  const { get, fetch, state, clock, metrics } = await setUp({ parts });
  for (const path of PATHS) await get(path);
  assertStringIncludes(await metrics.render(), "\nserving_store_answers 1");
  state.away = true;
  await clock.advance(60_000);
  for (const path of PATHS) {
    const response = await fetch(path);
    assertEquals(response.status, path.includes("nobody") ? 404 : 200, path);
    await response.body?.cancel();
  }
  const cold = await fetch("/v1/subreddits/never_read/top");
  assertEquals([cold.status, cold.headers.get("retry-after")], [503, "2"]);
  const ready = await fetch("/readyz");
  assertEquals(ready.status, 200);
  assertStringIncludes(await metrics.render(), "\nserving_store_answers 0");

  // New records are in the answers all the same.
  const speed = [...LAYERS.speed, post({ post_id: "new", score: 99 })];
  parts.folds = foldAll({ ...LAYERS, speed });
  const { items } = topAnswer.parse(await get("/v1/subreddits/deno/top?k=2"));
  assertEquals(items.map(({ post_id }) => post_id), ["new", "t3_2"]);

  state.away = false;
  await clock.advance(1_000);
  assertEquals((await fetch("/v1/subreddits/never_read/top")).status, 404);
  await clock.advance(1_000);
  await get("/v1/status");
  assertStringIncludes(await metrics.render(), "\nserving_store_answers 1");
});

Deno.test("while the store is away, top posts with a post that batch was never asked for are no proof", async () => {
  const batch = Array.from({ length: 30 }, (_, i) => post({ post_id: `t3_${i}`, score: i }));
  const parts = new FakeParts(foldAll({ batch, speed: [] }));
  const { get, state, clock } = await setUp({ store: await buildStore({ batch }), parts });
  const path = "/v1/subreddits/deno/top?k=3";
  const ids = ({ items }: { items: { post_id: string }[] }) => items.map((item) => item.post_id);
  assertEquals([ids(await get(path)), (await get(path)).exact], [
    ["t3_29", "t3_28", "t3_27"],
    true,
  ]);
  state.away = true;
  await clock.advance(1_000);
  assertEquals((await get(path)).exact, true);
  parts.folds = foldAll({ batch, speed: [post({ post_id: "new", score: 99 })] });
  const answer = await get(path);
  assertEquals([ids(answer), answer.exact], [["new", "t3_29", "t3_28"], false]);
  assertEquals([answer.provenance.partial, answer.provenance.missing], [true, ["store"]]);
  state.away = false;
  await clock.advance(1_000);
  assertEquals([(await get(path)).exact, (await get(path)).provenance.missing], [true, []]);
});

Deno.test("the summary goes on while the store is away", async () => {
  const clock = new TestClock(NOON);
  const { store, state } = switchable(await buildStore(LAYERS));
  const parts = new FakeParts(foldAll(LAYERS));
  const ends = () => Promise.resolve(offsetVector(3, () => 9));
  const summarizer = new Summarizer({ source: new Source({ store, parts, ends, clock }), clock });
  const summary = async () => {
    const { event, data } = await summarizer.make();
    assertEquals(event, "summary", JSON.stringify(data));
    return data as Summary;
  };
  assertEquals((await summary()).minutes.at(-1)?.posts, 3);
  state.away = true;
  for (let minute = 1; minute <= 3; minute++) {
    // A minute that was never asked for is beyond all that batch holds.
    await clock.advance(60_000);
    const created_utc = NOON + minute * 60_000;
    const late = post({ post_id: "late", subreddit: "deno", created_utc });
    parts.folds = foldAll({ ...LAYERS, speed: [...LAYERS.speed, late] });
    const { minutes, top, provenance } = await summary();
    assertEquals(minutes.at(-1), {
      window_start: new Date(created_utc).toISOString(),
      posts: 1,
      comments: 0,
      active_users: 1,
    });
    assertEquals([top.items.length, provenance.missing], [2, []]);
  }
});

Deno.test("without a generation the job is not ready, and becomes so without a request", async () => {
  const store = new MemoryStore();
  const lines: string[] = [];
  const log = createLogger({ sink: (line) => lines.push(line), clock: new TestClock(NOON) });
  const { app, fetch, clock, state } = await setUp({ store, log });
  const stop = new AbortController();
  const watching = app.watch(stop.signal);
  const ready = async () => {
    state.calls.length = 0;
    const response = await fetch("/readyz");
    return [response.status, (await response.json()).checks[0].detail];
  };
  assertEquals(await ready(), [503, "There is no generation yet"]);
  await addGeneration(store, LAYERS);
  await store.switchTo(1, undefined);
  await clock.advance(500);
  assertEquals(await ready(), [200, "ok"]);
  assertEquals(state.calls.includes("search"), false);
  state.away = true;
  await clock.advance(60_000);
  assertEquals(await ready(), [200, "ok"]);
  assertEquals(lines.length > 1, true);
  assertStringIncludes(lines[0]!, "Waiting for a generation to serve");
  assertStringIncludes(lines.at(-1)!, "Serving generation 1 from memory until the store answers");
  stop.abort();
  await clock.advance(0);
  await watching;
});

Deno.test("a switch shows in the first request after 250 ms", async () => {
  const store = await buildStore(LAYERS);
  const { get, clock } = await setUp({ store, parts: new FakeParts(foldAll(LAYERS)) });
  const generation = async () => (await get("/v1/subreddits/deno/top")).provenance;
  assertEquals((await generation()).generation, 1);
  await addGeneration(store, LAYERS, { generation: 2 });
  await store.switchTo(2, 1);
  await clock.advance(249);
  assertEquals((await generation()).generation, 1);
  await clock.advance(1);
  const { generation: now, sources, definition } = await generation();
  assertEquals([now, definition], [2, (await readManifest(store, 2))!.manifest.definition]);
  // The folds are still those of the generation before.
  assertEquals(sources["reddit.posts"], ["store", "store", "store"]);
});

Deno.test("at_least names the parts that are below it, and refuses what is not such a vector", async () => {
  const { get, fetch } = await setUp({ parts: new FakeParts(foldAll(LAYERS)) });
  const path = (offsets: unknown) =>
    `/v1/subreddits/deno/top?at_least=${encodeURIComponent(JSON.stringify(offsets))}`;
  const { folded } = (await get("/v1/status")).provenance;
  const reached = await get(path(folded));
  assertEquals([reached.provenance.partial, reached.provenance.missing], [false, []]);
  const beyond = folded["reddit.posts"].map((offset: number, i: number) =>
    i === 1 ? offset + 1 : null
  );
  const { provenance } = await get(path({ ...folded, "reddit.posts": beyond }));
  assertEquals([provenance.partial, provenance.missing], [true, ["reddit.posts-1"]]);
  // That a name is unknown would not be a proof.
  const unknown = (path({ "reddit.posts": beyond })).replace("deno", "none");
  const refused = await fetch(unknown);
  assertEquals(refused.status, 503);
  assertStringIncludes(
    (await refused.json()).detail,
    '"at_least" is not reached in reddit.posts-1',
  );
  const detail = async (offsets: string) => {
    const response = await fetch(`/v1/status?at_least=${encodeURIComponent(offsets)}`);
    assertEquals(response.status, 400, offsets);
    return (await response.json()).detail as string;
  };
  assertEquals(
    await detail('{"reddit.posts":[1,2]}'),
    '"at_least" has 2 offsets of reddit.posts: there must be one for each of its 3 partitions',
  );
  for (
    const offsets of [
      "1",
      "[]",
      "{",
      '{"reddit.dlq":[1,2,3]}',
      '{"reddit.posts":[1,2,-3]}',
      '{"reddit.posts":[1,2,3.5]}',
      '{"reddit.posts":[1,2,9007199254740993]}',
      '{"reddit.posts":[1,2,3],"reddit.posts":[1,2,3]}',
    ]
  ) {
    assertStringIncludes(
      await detail(offsets),
      "it must be JSON without spaces of offsets by topic",
    );
  }
});

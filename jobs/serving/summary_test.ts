import { assertEquals } from "@std/assert";
import { offsetVector, WINDOWS } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { MemoryStore } from "@pipeline/adapters/testing";
import { Summarizer, type Summary } from "./summary.ts";
import { sourceOf } from "./testing/source.ts";
import { addGeneration, buildStore, comment, NOON, post } from "./testing/world.ts";
import { Throughput } from "./throughput.ts";

const MINUTE = WINDOWS["1m"];

async function summary(summarizer: Summarizer): Promise<Summary> {
  const { event, data } = await summarizer.make();
  assertEquals(event, "summary", JSON.stringify(data));
  return data as Summary;
}

const at = (minute: number, id: string, user = "u_1", subreddit = "deno") =>
  post({ post_id: id, user_id: user, subreddit, created_utc: NOON + minute * MINUTE });

function shown({ minutes }: Summary) {
  return minutes.map((m) => [
    (Date.parse(m.window_start) - NOON) / MINUTE,
    m.posts,
    m.comments,
    m.active_users,
  ]);
}

Deno.test("Summarizer adds up all subreddits, the last hour minute by minute", async () => {
  const store = await buildStore({
    batch: [at(-90, "old"), at(-3, "a")],
    speed: [at(-3, "b", "u_2", "other"), at(0, "c"), comment({ subreddit: "other" })],
  });
  const clock = new TestClock(NOON + 30_000);
  const result = await summary(new Summarizer({ source: sourceOf({ store, clock }), clock }));
  assertEquals(shown(result), [[-3, 2, 0, 2], [0, 1, 1, 1]]);
  assertEquals(result.top.window_start, "2026-01-31T12:00:00.000Z");
  assertEquals(result.top.items.map((item) => item.subreddit), ["deno", "other"]);
  assertEquals(result.layers.batch.records, 2);
  assertEquals(result.layers.speed.records, 3);
  assertEquals(result.provenance.missing, ["log"]);
});

Deno.test("Summarizer sees new records at once and late ones within a minute", async () => {
  const store = new MemoryStore();
  await addGeneration(store, { speed: [at(-30, "a"), at(0, "b")] });
  await store.switchTo(1, undefined);
  const clock = new TestClock(NOON + 30_000);
  const summarizer = new Summarizer({ source: sourceOf({ store, clock }), clock });
  await summary(summarizer);

  const more = new MemoryStore();
  await addGeneration(more, { speed: [at(-30, "a"), at(-30, "late"), at(0, "b"), at(0, "c")] });
  for (const type of ["activity"] as const) {
    const query = { type, order: "id", limit: 100 } as const;
    const { documents } = await more.search(1, "subreddit_activity", query);
    const newer = documents.map((document) => ({ ...document, version: document.version + 100 }));
    await store.write(1, "subreddit_activity", newer);
  }
  assertEquals(shown(await summary(summarizer)).at(-1), [0, 2, 0, 1]);
  for (let second = 0; second < 60; second++) await summarizer.make();
  assertEquals(shown(await summary(summarizer)), [[-30, 2, 0, 1], [0, 2, 0, 1]]);
});

Deno.test("Summarizer follows the minutes on, over gaps too", async () => {
  const store = await buildStore({ speed: [at(0, "a")] });
  const clock = new TestClock(NOON);
  const summarizer = new Summarizer({ source: sourceOf({ store, clock }), clock });
  assertEquals(shown(await summary(summarizer)), [[0, 1, 0, 1]]);
  const next = await buildStore({ speed: [at(0, "a"), at(4, "b"), at(5, "c")] });
  const { documents } = await next.search(1, "subreddit_activity", { order: "id", limit: 99 });
  await store.write(1, "subreddit_activity", documents);
  await clock.advance(5 * MINUTE);
  assertEquals(shown(await summary(summarizer)), [[0, 1, 0, 1], [4, 1, 0, 1], [5, 1, 0, 1]]);
});

Deno.test("Summarizer leaves records of the future aside, unless there is nothing else", async () => {
  const clock = new TestClock(NOON + 1000);
  const both = await buildStore({ speed: [at(0, "a"), at(600, "b")] });
  assertEquals(
    shown(await summary(new Summarizer({ source: sourceOf({ store: both, clock }), clock }))),
    [[
      0,
      1,
      0,
      1,
    ]],
  );
  const future = await buildStore({ speed: [at(600, "b")] });
  const result = await summary(
    new Summarizer({ source: sourceOf({ store: future, clock }), clock }),
  );
  assertEquals(shown(result), [[600, 1, 0, 1]]);
});

Deno.test("Summarizer starts over with another generation", async () => {
  const store = await buildStore({ batch: [at(0, "a")] });
  const summarizer = new Summarizer({ source: sourceOf({ store }), clock: new TestClock(NOON) });
  await summary(summarizer);
  await addGeneration(store, { batch: [at(0, "a"), at(-9, "b")] }, { generation: 2 });
  await store.switchTo(2, 1);
  const result = await summary(summarizer);
  assertEquals(result.provenance.generation, 2);
  assertEquals(shown(result).length, 2);
});

Deno.test("Summarizer of an empty generation is empty; without one it reports the problem", async () => {
  const clock = new TestClock(NOON);
  const empty = await summary(
    new Summarizer({ source: sourceOf({ store: await buildStore({}), clock }), clock }),
  );
  assertEquals([empty.minutes, empty.top], [[], { window_start: null, items: [] }]);
  const { event, data } = await new Summarizer({
    source: sourceOf({ store: new MemoryStore(), clock }),
    clock,
  })
    .make();
  assertEquals([event, (data as { status: number }).status], ["problem", 503]);
});

Deno.test("Throughput computes rates from offsets of one generation", async () => {
  const clock = new TestClock();
  const throughput = new Throughput(clock);
  const look = (generation: number, offset: number) =>
    throughput.rates({
      provenance: { generation, folded: offsetVector(1, () => offset) },
      ends: offsetVector(1, () => offset * 2),
    });
  assertEquals(look(1, 0), { produced: null, ingested: null, folded: null });
  await clock.advance(2000);
  assertEquals(look(1, 100), { produced: 300, ingested: null, folded: 150 });
  await clock.advance(1000);
  assertEquals(look(2, 9000).folded, null);
  await clock.advance(1000);
  assertEquals(look(2, 9010).folded, 30);
});

Deno.test("Throughput computes ingested records a second from flushes that are seconds apart", async () => {
  const clock = new TestClock();
  const throughput = new Throughput(clock);
  const look = (posts: readonly number[]) => {
    const ingested = {
      "reddit.posts": posts,
      "reddit.comments": [-1, -1],
      "reddit.users": [-1, -1],
    };
    const provenance = { generation: 1, folded: offsetVector(2, () => 0) };
    return throughput.rates({ provenance, ends: undefined, ingested }).ingested;
  };
  // Nothing was marked yet.
  assertEquals(look([-1, -1]), null);
  await clock.advance(30_000);
  assertEquals(look([500, -1]), null);
  await clock.advance(5_000);
  assertEquals(look([1_000, -1]), null);
  await clock.advance(5_000);
  assertEquals(look([1_500, 100]), 100);
  await clock.advance(10_000);
  // Each partition counts from its first sample; a stopped one counts nothing.
  assertEquals(look([1_500, 300]), 50 + 20);
  await clock.advance(80_000);
  assertEquals(look([1_500, 300]), null);
  await clock.advance(10_000);
  assertEquals(look([1_500, 300]), 0);
});

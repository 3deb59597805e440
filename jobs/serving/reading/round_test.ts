/** Which source answers for a part, in which order sources are read, and what an answer reports. */

import { assert, assertEquals } from "@std/assert";
import { type Entity, PipelineError, type ServingStore } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { subredditActivity } from "../queries/subreddit_activity.ts";
import { FakeParts, foldAll, foldOf } from "../testing/parts.ts";
import { sourceOf } from "../testing/source.ts";
import { buildStore, comment, NOON, post } from "../testing/world.ts";
import { type Reading, withReading } from "./reading.ts";
import type { LeastOffsets, PartSource } from "./round.ts";
import type { Source } from "./source.ts";

const ONE = { partitions: 1 };
const TOPIC = "reddit.posts";

/** The posts of one partition, in their order. */
const posts = (count: number): Entity[] =>
  Array.from({ length: count }, (_, i) => post({ post_id: `t3_${i}` }));

/** A fold of the first posts. */
const fold = (speed: readonly Entity[], count: number) =>
  foldOf({ speed }, { topic: TOPIC, partition: 0, count }, ONE);

/** Folds of the other topics, which have no records. */
const EMPTY = foldAll({}, ONE).filter(({ topic }) => topic !== TOPIC);

async function count(source: Source, at_least: LeastOffsets = {}) {
  return await withReading(source, async (reading: Reading) => {
    const request = { subreddit: "deno", window: "1h" } as const;
    const { items } = await subredditActivity(reading, request);
    const { folded, sources, missing, partial } = reading.provenance();
    return {
      posts: items[0]?.posts ?? 0,
      folded: folded[TOPIC],
      sources: sources[TOPIC],
      missing: missing.filter((what) => what !== "log"),
      partial,
    };
  }, { at_least });
}

const known = { missing: [], partial: true };

/** A store that records its calls. */
function watched(store: ServingStore): { store: ServingStore; calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(store, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        const of = JSON.stringify(args).includes("reddit.") ? "speed" : "batch";
        calls.push(
          ["get", "search"].includes(String(name)) ? `${String(name)} ${of}` : `${String(name)}`,
        );
        return method.apply(target, args);
      };
    },
  });
  return { store: proxy, calls };
}

Deno.test("memory answers for a part if it has folded as much as the store, or more", async () => {
  const speed = posts(4);
  const store = await buildStore({ speed: speed.slice(0, 2) }, ONE);
  for (const [memory, source] of [[4, "memory"], [2, "memory"], [1, "store"]] as const) {
    const parts = new FakeParts([...EMPTY, fold(speed, memory)]);
    const expected = Math.max(2, memory);
    assertEquals(
      await count(sourceOf({ store, parts })),
      { ...known, posts: expected, folded: [expected], sources: [source] },
    );
  }
});

Deno.test("of several folds of a part the one that has folded most answers, alone", async () => {
  const speed = posts(5);
  const store = await buildStore({}, ONE);
  for (const order of [[1, 4, 2], [4, 2, 1], [2, 1, 4], [4, 4]]) {
    const parts = new FakeParts([...EMPTY, ...order.map((count) => fold(speed, count))]);
    const { posts, folded, sources } = await count(sourceOf({ store, parts }));
    assertEquals([posts, folded, sources], [4, [4], ["memory"]], order.join());
  }
});

Deno.test("each part has its own source, and documents of one part come from one source", async () => {
  const speed = posts(40);
  const layers = { batch: [comment({ subreddit: "deno" })], speed };
  const all = foldAll(layers);
  const store = await buildStore(layers);
  // The first partition from memory, the second only in the store, the third behind it.
  const behind = foldOf(layers, { topic: TOPIC, partition: 2, count: 1 });
  const folds = all.filter(({ topic, partition }) => topic !== TOPIC || partition === 0);
  const parts = new FakeParts([...folds, behind]);
  const { posts: counted, folded, sources } = await count(sourceOf({ store, parts }));
  assertEquals(counted, 40);
  assertEquals(sources, ["memory", "store", "store"]);
  assertEquals(folded.reduce((a, b) => a! + b!, 0), 40);
  assert(folded.every((offset) => offset! > 1), folded.join());
});

Deno.test("a part that nobody has begun with is missing, and folds of other generations do not answer", async () => {
  const speed = posts(3);
  const store = await buildStore({ batch: posts(1) }, { ...ONE, unfolded: ["reddit.posts-0"] });
  const parts = new FakeParts([...EMPTY, { ...fold(speed, 3), generation: 2 }]);
  assertEquals(await count(sourceOf({ store, parts })), {
    posts: 1,
    folded: [null],
    sources: [null],
    missing: ["reddit.posts-0"],
    partial: true,
  });
});

Deno.test("the store's documents of speed are read after its watermarks, and only for parts that need them", async () => {
  const speed = posts(6);
  const { store, calls } = watched(await buildStore({ speed }, ONE));
  await count(sourceOf({ store }));
  const reads = calls.filter((call) => call === "controls" || call.endsWith("speed"));
  assertEquals(reads[0], "controls");
  assertEquals(reads.slice(1).filter((call) => call === "controls"), []);
  assert(reads.includes("search speed") && reads.includes("get speed"));

  calls.length = 0;
  await count(sourceOf({ store, parts: new FakeParts(foldAll({ speed }, ONE)) }));
  assertEquals(calls.filter((call) => call.endsWith("speed")), []);
});

Deno.test("the store is asked once more before its documents are used, not by a remembered watermark", async () => {
  const speed = posts(6);
  const { store, calls } = watched(await buildStore({ speed: speed.slice(0, 4) }, ONE));
  const parts = new FakeParts([...EMPTY, fold(speed, 6)]);
  const source = sourceOf({ store, parts, watermarkAge: 1_000 });
  await count(source);
  parts.folds = [...EMPTY, fold(speed, 1)];
  calls.length = 0;
  const { posts: counted, sources } = await count(source);
  assertEquals([counted, sources], [4, ["store"]]);
  const reads = calls.filter((call) => call === "controls" || call.endsWith("speed"));
  assertEquals(reads.indexOf("controls"), 0);
});

Deno.test("while the store is away, memory answers, whatever the store's watermark was", async () => {
  const speed = posts(6);
  const clock = new TestClock(NOON);
  const memory = await buildStore({ batch: [comment()], speed: speed.slice(0, 4) }, ONE);
  const away = { is: false };
  const store = new Proxy(memory, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) =>
        away.is
          ? Promise.reject(new PipelineError("unavailable", "The store is away"))
          : method.apply(target, args);
    },
  }) as ServingStore;
  const parts = new FakeParts([...EMPTY, fold(speed, 6)]);
  const source = sourceOf({ store, parts, clock, generationAge: 250, watermarkAge: 1_000 });
  assertEquals((await count(source)).posts, 6);
  away.is = true;
  await clock.advance(60_000);
  const all = await count(source);
  assertEquals([all.posts, all.sources, all.missing], [6, ["memory"], []]);
  // An older position is a correct answer, too.
  parts.folds = [...EMPTY, fold(speed, 1)];
  const older = await count(source);
  assertEquals([older.posts, older.folded, older.sources], [1, [1], ["memory"]]);
  // A part that is in no memory cannot be answered for.
  parts.folds = EMPTY;
  const refused = await count(source).catch((error) => error.code);
  assertEquals(refused, "unavailable");
  away.is = false;
  await clock.advance(60_000);
  assertEquals((await count(source)).sources, ["store"]);
});

Deno.test("a part below at_least is looked for in the other source, and named if it is below there, too", async () => {
  const speed = posts(6);
  const store = await buildStore({ speed: speed.slice(0, 4) }, ONE);
  const at = (memory: number | undefined, least: number) => {
    const folds = memory === undefined ? [] : [fold(speed, memory)];
    const parts = new FakeParts([...EMPTY, ...folds]);
    // The watermark that is remembered is older than the store.
    const source = sourceOf({ store, parts, watermarkAge: 1_000 });
    source.watermarks(1).get = () => Promise.resolve([]);
    return count(source, { [TOPIC]: [least] });
  };
  const from = (posts: number, source: PartSource) => ({
    ...known,
    posts,
    folded: [posts],
    sources: [source],
  });
  assertEquals(await at(6, 6), from(6, "memory"));
  assertEquals(await at(2, 2), from(2, "memory"));
  assertEquals(await at(2, 3), from(4, "store"));
  assertEquals(await at(undefined, 4), from(4, "store"));
  const named = { missing: ["reddit.posts-0"] };
  assertEquals(await at(2, 5), { ...from(4, "store"), ...named });
  assertEquals(await at(5, 6), { ...from(5, "memory"), ...named });
});

Deno.test("a fold that answers with as many documents as it may is named, since there may be more", async () => {
  const speed = posts(1);
  const store = await buildStore({}, ONE);
  const parts = new FakeParts(foldAll({ speed }, ONE));
  const documents = Array.from({ length: 10_000 }, () => parts.folds[0]!.documents[0]!);
  const ask = parts.ask.bind(parts);
  parts.ask = async (request) =>
    (await ask(request)).map((answer) =>
      answer.topic === TOPIC ? { ...answer, answers: [documents] } : answer
    );
  const missing = await withReading(sourceOf({ store, parts }), async (reading) => {
    const query = { type: "post", order: "rank", limit: 10_000 } as const;
    reading.include(await reading.live({ all: { view: "top_posts", query } }));
    return reading.provenance().missing;
  });
  assertEquals(missing, ["reddit.posts-0", "log"]);
});

Deno.test("an answer of several rounds reports the least position of each part", async () => {
  const speed = posts(6);
  const store = await buildStore({}, ONE);
  const parts = new FakeParts([...EMPTY, fold(speed, 5)]);
  const folded = await withReading(sourceOf({ store, parts }), async (reading) => {
    reading.include(await reading.live({}));
    parts.folds = [...EMPTY, fold(speed, 3)];
    reading.include(await reading.live({}));
    parts.folds = [...EMPTY, fold(speed, 6)];
    const discarded = await reading.live({});
    assertEquals(discarded.parts.length, 3);
    reading.include(await reading.live({}));
    return reading.provenance().folded[TOPIC];
  });
  assertEquals(folded, [3]);
});

import { assert, assertEquals } from "@std/assert";
import { compareRank, DEFAULT_SETTINGS, type Entity, ViewState } from "@pipeline/core";
import fc from "fast-check";
import { withReading } from "../reading/reading.ts";
import { sourceOf } from "../testing/source.ts";
import {
  buildStore,
  comment,
  type Layers,
  NOON,
  post,
  type WorldOptions,
} from "../testing/world.ts";
import { topPosts } from "./top_posts.ts";

async function top(
  layers: Layers,
  options: WorldOptions & { k?: number; subreddit?: string } = {},
) {
  const store = await buildStore(layers, options);
  const { subreddit = "deno", k = 10 } = options;
  const { items, exact } = await withReading(
    sourceOf({ store }),
    (reading) => topPosts(reading, { subreddit, k }),
  );
  return { ids: items.map((item) => item.post_id), scores: items.map((item) => item.score), exact };
}

const posts = (count: number, fields: (i: number) => object) =>
  Array.from({ length: count }, (_, i) => post({ post_id: `t3_${i}`, ...fields(i) }));

Deno.test("topPosts() merges both layers, ties by time and then id", async () => {
  const result = await top({
    batch: [post({ post_id: "a", score: 5 }), post({ post_id: "b", score: 7 })],
    speed: [
      post({ post_id: "c", score: 5, created_utc: NOON + 1 }),
      post({ post_id: "d", score: 5, created_utc: NOON + 1 }),
    ],
  });
  assertEquals(result, { ids: ["b", "d", "c", "a"], scores: [7, 5, 5, 5], exact: true });
});

Deno.test("topPosts() takes the latest version of a post, whichever layer has it", async () => {
  const result = await top({
    batch: [
      post({ post_id: "a", score: 100 }),
      post({ post_id: "b", score: 1, timestamp: NOON + 50 }),
    ],
    speed: [
      post({ post_id: "a", score: 2, timestamp: NOON + 10 }),
      post({ post_id: "b", score: 90, timestamp: NOON + 20 }),
    ],
  });
  assertEquals(result, { ids: ["a", "b"], scores: [2, 1], exact: true });
});

Deno.test("topPosts() looks beyond versions that rank high in a layer but are outdated", async () => {
  const layers = {
    batch: posts(200, (i) => ({ score: 1000 + i })),
    speed: posts(190, (i) => ({ post_id: `t3_${i + 10}`, score: i, timestamp: NOON + 1 })),
  };
  const result = await top(layers, { k: 12 });
  assertEquals(result.scores, [
    1009,
    1008,
    1007,
    1006,
    1005,
    1004,
    1003,
    1002,
    1001,
    1000,
    189,
    188,
  ]);
  assert(result.exact);
});

Deno.test("topPosts() is not exact where a post that was cut may be missing", async () => {
  const layers = { batch: posts(10, (i) => ({ score: i })), speed: [] };
  assertEquals((await top(layers, { keep: 5, k: 5 })).exact, true);
  assertEquals((await top(layers, { keep: 5, k: 6 })).exact, false);
  // In speed only, and not later than the versions that batch folded: batch may have a later one.
  const hidden = [post({ post_id: "t3_0", score: 50, timestamp: NOON })];
  assertEquals((await top({ ...layers, speed: hidden }, { keep: 5, k: 3 })).exact, false);
  const later = [post({ post_id: "t3_0", score: 50, timestamp: NOON + 1 })];
  assertEquals((await top({ ...layers, speed: later }, { keep: 5, k: 3 })).exact, true);
});

Deno.test("topPosts() of a subreddit without posts is empty and exact", async () => {
  const layers = { speed: [comment({ subreddit: "none" })] };
  assertEquals(await top(layers, { subreddit: "none" }), { ids: [], scores: [], exact: true });
});

Deno.test("topPosts() counts names such as __proto__ like any other", async () => {
  for (const subreddit of ["__proto__", "constructor", "toString", "a|b", "../x", "*"]) {
    const result = await top({ speed: [post({ subreddit })] }, { subreddit });
    assertEquals(result.ids, ["t3_1"], subreddit);
  }
});

const facts = fc.array(
  fc.record({
    id: fc.integer({ min: 0, max: 30 }),
    score: fc.integer({ min: -3, max: 12 }),
    time: fc.integer({ min: 0, max: 6 }),
    batch: fc.boolean(),
  }),
  { maxLength: 80 },
);

Deno.test("topPosts() that is exact equals the oracle, and it is exact if nothing was cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      facts,
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      async (drawn, k, keep) => {
        const entity = ({ id, score, time }: (typeof drawn)[number]): Entity =>
          post({ post_id: `t3_${id}`, score, timestamp: NOON + time });
        if (drawn.length === 0) return;
        const batch = drawn.filter((fact) => fact.batch).map(entity);
        const speed = drawn.filter((fact) => !fact.batch).map(entity);
        const result = await top({ batch, speed }, { k, ...(keep === undefined ? {} : { keep }) });

        const oracle = new ViewState(DEFAULT_SETTINGS);
        for (const record of [...batch, ...speed]) oracle.add(record);
        const all = [...oracle.posts("all")].flat().sort(compareRank).slice(0, k);
        if (keep === undefined) assert(result.exact);
        if (result.exact) assertEquals(result.ids, all.map((item) => item.post_id));
        if (result.exact) assertEquals(result.scores, all.map((item) => item.score));
      },
    ),
    { numRuns: 300 },
  );
});

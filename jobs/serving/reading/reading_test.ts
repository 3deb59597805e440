import { assertEquals, assertRejects } from "@std/assert";
import { offsetVector, type ViewPage } from "@pipeline/core";
import { MemoryStore } from "@pipeline/adapters/testing";
import { Problem } from "../problem.ts";
import { subredditActivity } from "../queries/subreddit_activity.ts";
import { sourceOf } from "../testing/source.ts";
import { addGeneration, buildStore, post } from "../testing/world.ts";
import { type Reading, withReading } from "./reading.ts";

const provenance = async (reading: Reading) => {
  reading.include(await reading.live({}));
  return reading.provenance();
};

Deno.test("withReading() reports generation, horizon, folded and lag", async () => {
  const store = await buildStore({ batch: [post()], speed: [post({ post_id: "t3_2" })] }, {
    partitions: 1,
  });
  const ends = () => Promise.resolve(offsetVector(1, () => 5));
  const { definition, ...rest } = await withReading(sourceOf({ store, ends }), provenance);
  assertEquals(typeof definition, "string");
  assertEquals(rest, {
    generation: 1,
    horizon: { "reddit.posts": [1], "reddit.comments": [0], "reddit.users": [0] },
    folded: { "reddit.posts": [2], "reddit.comments": [0], "reddit.users": [0] },
    sources: { "reddit.posts": ["store"], "reddit.comments": ["store"], "reddit.users": ["store"] },
    lag: 13,
    partial: false,
    missing: [],
  });
});

Deno.test("withReading() knows that the log ends no earlier than what is folded", async () => {
  const store = await buildStore({ speed: [post()] }, { partitions: 1 });
  const ends = () => Promise.resolve(offsetVector(1, () => 0));
  const [end, lag] = await withReading(
    sourceOf({ store, ends }),
    async (reading) => {
      const { lag } = await provenance(reading);
      return [reading.ends?.["reddit.posts"], lag];
    },
  );
  assertEquals([end, lag], [[1], 0]);
});

Deno.test("withReading() reports what is missing", async () => {
  const ends = () => Promise.resolve(offsetVector(3, () => 0));
  const missing = async (unfolded: string[], source = { ends }) => {
    const store = await buildStore({}, { unfolded });
    const { partial, missing, lag } = await withReading(sourceOf({ store, ...source }), provenance);
    assertEquals(partial, missing.length > 0);
    assertEquals(lag === null, missing.includes("log"));
    return missing;
  };
  assertEquals(await missing([]), []);
  assertEquals(await missing(["reddit.posts-1"]), ["reddit.posts-1"]);
  const all = ["reddit.posts", "reddit.comments", "reddit.users"]
    .flatMap((topic) => [0, 1, 2].map((p) => `${topic}-${p}`));
  assertEquals(await missing(all), ["speed"]);
  assertEquals(await missing([], {} as never), ["log"]);
  const down = { ends: () => Promise.reject(new Error("the log does not answer")) };
  assertEquals(await missing([], down), ["log"]);
});

Deno.test("withReading() reports that a shard did not answer, instead of a smaller number", async () => {
  const store = await buildStore({ speed: [post()] });
  const search = store.search.bind(store);
  store.search = async (...args): Promise<ViewPage> => ({
    ...await search(...args),
    complete: false,
  });
  const result = await withReading(sourceOf({ store }), async (reading) => {
    await subredditActivity(reading, { subreddit: "deno", window: "1h" });
    return reading.provenance();
  });
  assertEquals(result.missing, ["store", "log"]);
});

Deno.test("withReading() refuses with 503 while there is no generation", async () => {
  const error = await assertRejects(
    () => withReading(sourceOf({ store: new MemoryStore() }), provenance),
    Problem,
  );
  assertEquals([error.status, error.retryAfter], [503, 5]);
});

Deno.test("withReading() reads one generation, also when the aliases move meanwhile", async () => {
  const store = await buildStore({ batch: [post()] });
  await addGeneration(store, { batch: [post(), post({ post_id: "b" })] }, { generation: 2 });
  const counts = await withReading(sourceOf({ store }), async (reading) => {
    await store.switchTo(2, 1);
    const { items } = await subredditActivity(reading, { subreddit: "deno", window: "1h" });
    return [reading.provenance().generation, items[0]?.posts];
  });
  assertEquals(counts, [1, 1]);
});

Deno.test("withReading() starts over when its generation is dropped", async () => {
  const store = await buildStore({ batch: [post()] });
  await addGeneration(store, { batch: [post(), post({ post_id: "b" })] }, { generation: 2 });
  let tries = 0;
  const counts = await withReading(sourceOf({ store }), async (reading) => {
    if (tries++ === 0) {
      await store.switchTo(2, 1);
      await store.dropGeneration(1);
    }
    const { items } = await subredditActivity(reading, { subreddit: "deno", window: "1h" });
    return [reading.provenance().generation, items[0]?.posts];
  });
  assertEquals([tries, ...counts], [2, 2, 2]);
});

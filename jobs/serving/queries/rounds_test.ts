/** Queries of several rounds on folds in memory: how many they need, and what a request may hold. */

import { assert, assertEquals } from "@std/assert";
import { DEFAULT_SETTINGS, type Entity, ViewState } from "@pipeline/core";
import { type Reading, withReading } from "../reading/reading.ts";
import type { Source } from "../reading/source.ts";
import { FakeParts, foldAll } from "../testing/parts.ts";
import { sourceOf } from "../testing/source.ts";
import { buildStore, comment, type Layers, NOON, post } from "../testing/world.ts";
import { subredditActivity } from "./subreddit_activity.ts";
import { listSubreddits, type SubredditsRequest } from "./subreddits.ts";
import { topPosts } from "./top_posts.ts";
import { userActivity } from "./user_activity.ts";

/** The same records in memory, and in the store alone. */
async function world(layers: Layers) {
  const parts = new FakeParts(foldAll(layers));
  const all = { unfolded: parts.folds.map((fold) => `${fold.topic}-${fold.partition}`) };
  const memory = sourceOf({ store: await buildStore(layers, all), parts });
  return { parts, memory, stored: sourceOf({ store: await buildStore(layers) }) };
}

const posts = (count: number, fields: (i: number) => object): Entity[] =>
  Array.from({ length: count }, (_, i) => post({ post_id: `t3_${i}`, ...fields(i) }));

async function bothAnswer<T>(
  { memory, stored }: { readonly memory: Source; readonly stored: Source },
  query: (reading: Reading) => Promise<T>,
): Promise<T> {
  const answer = await withReading(memory, query);
  assertEquals(answer, await withReading(stored, query));
  return answer;
}

Deno.test("activity, users and lists that were asked for before are answered in one round", async () => {
  const layers = { batch: [post()], speed: [post({ post_id: "b" }), comment()] };
  const { parts, memory } = await world(layers);
  const rounds = async (query: (reading: Reading) => Promise<unknown>) => {
    await withReading(memory, query);
    parts.requests.length = 0;
    await withReading(memory, query);
    return parts.requests.length;
  };
  assertEquals(await rounds((r) => subredditActivity(r, { subreddit: "deno", window: "1h" })), 1);
  assertEquals(await rounds((r) => userActivity(r, { user_id: "u_1", window: "1d" })), 1);
  const list = { window: "1h", sort: "trending", limit: 5 } as const;
  assertEquals(await rounds((r) => listSubreddits(r, list)), 1);
});

Deno.test("topPosts() asks once, and once more where a post that it did not expect is among the best", async () => {
  const batch = posts(30, (i) => ({ score: 100 - i }));
  const low = [post({ post_id: "low", score: 1 }), post({ post_id: "t3_2", timestamp: NOON + 1 })];
  const rounds = async (speed: readonly Entity[], k: number) => {
    const both = await world({ batch, speed });
    const { exact } = await bothAnswer(both, (r) => topPosts(r, { subreddit: "deno", k }));
    assert(exact);
    const first = both.parts.requests.length;
    await withReading(both.memory, (r) => topPosts(r, { subreddit: "deno", k }));
    return [first, both.parts.requests.length - first];
  };
  assertEquals(await rounds(low, 10), [1, 1]);
  assertEquals(await rounds([...low, post({ post_id: "high", score: 200 })], 10), [2, 1]);
});

Deno.test("topPosts() is exact where most of batch's best posts have become worse", async () => {
  const batch = posts(400, (i) => ({ score: 10_000 - i }));
  const speed = posts(390, (i) => ({ score: i, timestamp: NOON + 1 }));
  const both = await world({ batch, speed });
  const top = await bothAnswer(both, (r) => topPosts(r, { subreddit: "deno", k: 12 }));
  assertEquals(top.items.map(({ score }) => score).slice(8), [9602, 9601, 389, 388]);
  assert(top.exact);
});

Deno.test("topPosts() finds the later version of a post in another partition, below that one's best", async () => {
  const { parts, memory } = await world({ speed: [comment()] });
  // As if a producer had sent the versions of one post to two partitions.
  const versions = (partition: number, entities: readonly Entity[]) => {
    const state = new ViewState(DEFAULT_SETTINGS);
    for (const entity of entities) state.add(entity);
    return [...state.documents(`reddit.posts-${partition}`)];
  };
  const early = versions(0, [post({ post_id: "moved", score: 1_000 })]);
  const later = post({ post_id: "moved", score: 1, timestamp: NOON + 1 });
  const late = versions(1, [...posts(30, (i) => ({ score: 100 - i })), later]);
  parts.folds = parts.folds.map((fold) => {
    if (fold.topic !== "reddit.posts" || fold.partition === 2) return fold;
    return { ...fold, documents: fold.partition === 0 ? early : late };
  });
  const { items, exact } = await withReading(
    memory,
    (r) => topPosts(r, { subreddit: "deno", k: 3 }),
  );
  assertEquals([items.map(({ score }) => score), exact], [[100, 99, 98], true]);
});

Deno.test("topPosts() that would need more than a request may hold is not exact", async () => {
  const batch = posts(2_500, (i) => ({ score: 10_000 - i }));
  const speed = posts(2_490, (i) => ({ score: -i, timestamp: NOON + 1 }));
  const { memory } = await world({ batch, speed });
  const { exact, items } = await withReading(
    memory,
    (r) => topPosts(r, { subreddit: "deno", k: 100 }),
  );
  assertEquals([exact, items.length], [false, 100]);
});

Deno.test("listSubreddits() of the greatest limit stays within the bounds of a request", async () => {
  const names = Array.from({ length: 700 }, (_, i) => `subreddit_${"x".repeat(i % 60)}_${i}`);
  const speed = names.flatMap((subreddit, i) =>
    Array.from(
      { length: 1 + i % 3 },
      (_, n) => comment({ comment_id: `${i}-${n}`, subreddit, user_id: `u${n}` }),
    )
  );
  const both = await world({ speed });
  for (const sort of ["trending", "active_users"] as const) {
    const request: SubredditsRequest = { window: "1d", sort, limit: 500 };
    const { items } = await bothAnswer(both, (r) => listSubreddits(r, request));
    assertEquals(items.length, 500, sort);
    assert(items.every(({ active_users, comments }) => active_users === comments));
  }
});

Deno.test("listSubreddits() follows the order and the window, whatever it expected", async () => {
  const named = (subreddit: string, count: number, hour: number) =>
    Array.from({ length: count }, (_, i) =>
      comment({
        comment_id: `${subreddit}${hour}${i}`,
        subreddit,
        created_utc: NOON + hour * 3_600_000 + i,
      }));
  const first = [...named("a", 3, 0), ...named("b", 2, 0), ...named("c", 1, 0)];
  const then = [...first, ...named("C", 5, 0)];
  const later = [...then, ...named("b", 1, 1)];
  const { parts, memory } = await world({ speed: first });
  const list = async (speed: readonly Entity[]) => {
    parts.folds = foldAll({ speed });
    const request = { window: "1h", sort: "comments", limit: 2 } as const;
    const { items, window_start } = await withReading(memory, (r) => listSubreddits(r, request));
    return [(window_start! - NOON) / 3_600_000, ...items.map(({ subreddit }) => subreddit)];
  };
  assertEquals(await list(first), [0, "a", "b"]);
  assertEquals(await list(then), [0, "C", "a"]);
  assertEquals(await list(later), [1, "b"]);
  assertEquals(await list(first), [0, "a", "b"]);
});

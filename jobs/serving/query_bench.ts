/**
 * The cost of queries on the embedded store: `deno bench --allow-all query_bench.ts`. A week of 600
 * subreddits by Zipf's law, the last hour of it in the speed layer.
 *
 * @module
 */

import { EmbeddedStore } from "@pipeline/adapters/embedded";
import type { Entity } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { createApp } from "./app.ts";
import { Source } from "./reading/source.ts";
import { Summarizer } from "./summary.ts";
import { addGeneration, comment, ends, NOON, post } from "./testing/world.ts";

const RECORDS = 200_000;
const SUBREDDITS = 600;
const HOUR = 3_600_000;

/** A linear congruential generator, so that each run measures the same. */
function* random(): Generator<number> {
  for (let state = 1;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function records(): { batch: Entity[]; speed: Entity[] } {
  const draws = random();
  const draw = () => draws.next().value as number;
  const batch: Entity[] = [];
  const speed: Entity[] = [];
  for (let i = 0; i < RECORDS; i++) {
    // The last hour is as busy as a live run: a tenth of all records.
    const isLive = i % 10 === 0;
    const created_utc = Math.floor(NOON - draw() * HOUR * (isLive ? 1 : 168));
    const subreddit = `subreddit_${Math.floor(SUBREDDITS ** draw())}`;
    const common = { subreddit, user_id: `u_${Math.floor(20_000 * draw() ** 2)}`, created_utc };
    const record = i % 4 === 0
      ? post({ ...common, post_id: `t3_${i}`, score: Math.floor(1 / (draw() + 1e-4)) })
      : comment({ ...common, post_id: `t3_${i % 1000}`, comment_id: `t1_${i}` });
    (isLive && created_utc > NOON - HOUR ? speed : batch).push(record);
  }
  return { batch, speed };
}

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const store = new EmbeddedStore(folder);
const layers = records();
await addGeneration(store, layers);
await store.switchTo(1, undefined);
const end = ends([...layers.batch, ...layers.speed]);
const clock = new TestClock(NOON);
const ports = { store, ends: () => Promise.resolve(end), clock };
const app = createApp(ports);
const source = new Source(ports);

for (
  const [name, path] of [
    ["top 10 of the largest subreddit", "/v1/subreddits/subreddit_1/top?k=10"],
    ["top 100 of the largest subreddit", "/v1/subreddits/subreddit_1/top?k=100"],
    ["activity, 48 hours", "/v1/subreddits/subreddit_1/activity?window=1h"],
    ["activity, 60 minutes", "/v1/subreddits/subreddit_1/activity?window=1m"],
    ["subreddits by posts in an hour", "/v1/subreddits?sort=posts&window=1h"],
    ["subreddits by active users in an hour", "/v1/subreddits?sort=active_users&window=1h"],
    ["subreddits by trend over 25 hours", "/v1/subreddits?sort=trending&window=1h"],
    ["a user's activity", "/v1/users/u_1/activity"],
    ["status", "/v1/status"],
  ] as const
) {
  Deno.bench(name, async () => {
    const response = await app.fetch(new Request(`http://localhost${path}`));
    if (response.status !== 200) throw new Error(await response.text());
    await response.json();
  });
}

Deno.bench("the first summary", async () => void await new Summarizer({ source, clock }).make());

const summarizer = new Summarizer({ source, clock });
Deno.bench("a summary each second", async () => {
  const { event } = await summarizer.make();
  if (event !== "summary") throw new Error(event);
});

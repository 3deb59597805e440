/**
 * What questions to a fold cost: `deno bench --allow-all answers_bench.ts`. An hour and a day of
 * 10,000 subreddits by Zipf's law, as one partition folds them.
 *
 * @module
 */

import type { ViewName } from "./documents.ts";
import type { PartQuery } from "./query.ts";
import type { Comment, Post } from "./records.ts";
import { WINDOWS } from "./time.ts";
import { DEFAULT_SETTINGS, ViewState } from "./views.ts";

const RECORDS = 300_000;
const SUBREDDITS = 10_000;
const NOON = Date.UTC(2026, 0, 31, 12);
const [MINUTE, HOUR, DAY] = [WINDOWS["1m"], WINDOWS["1h"], WINDOWS["1d"]];
const PART = "reddit.posts-0";

/** A linear congruential generator, so that each run measures the same. */
function* random(): Generator<number> {
  for (let state = 1;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function* records(): Generator<Post | Comment> {
  const draws = random();
  const draw = () => draws.next().value as number;
  for (let i = 0; i < RECORDS; i++) {
    const created_utc = Math.floor(NOON - draw() * (i % 2 === 0 ? HOUR : DAY));
    const common = {
      user_id: `u_${Math.floor(20_000 * draw() ** 2)}`,
      subreddit: `s_${Math.floor(SUBREDDITS ** draw())}`,
      post_id: `t3_${i}`,
      content: "",
      score: Math.floor(1 / (draw() + 1e-4)),
      created_utc,
      timestamp: created_utc,
    };
    yield i % 4 === 0
      ? { ...common, kind: "post", title: "A title", num_comments: 0 }
      : { ...common, kind: "comment", comment_id: `t1_${i}` };
  }
}

const state = new ViewState(DEFAULT_SETTINGS);
for (const record of records()) state.add(record);

const hours = { window: "1h", from: NOON - DAY, to: NOON } as const;
const limit = 10_000;

const searches: readonly (readonly [string, ViewName, PartQuery])[] = [
  [
    "20 best posts of the largest subreddit",
    "top_posts",
    { type: "post", subreddit: "s_1", order: "rank", limit: 20 },
  ],
  [
    "24 hours of the largest subreddit",
    "subreddit_activity",
    { type: "activity", subreddit: "s_1", ...hours, order: "window", limit },
  ],
  [
    "the latest minute of all subreddits",
    "subreddit_activity",
    { type: "activity", window: "1m", to: NOON, order: "latest", limit: 1 },
  ],
  [
    "a minute of all subreddits",
    "subreddit_activity",
    { type: "activity", window: "1m", from: NOON - MINUTE, order: "window", limit },
  ],
  [
    "an hour of all subreddits",
    "subreddit_activity",
    { type: "activity", window: "1h", from: NOON - HOUR, order: "window", limit },
  ],
  [
    "the days of a user",
    "user_activity",
    { type: "user_window", user_id: "u_1", window: "1d", order: "window", limit },
  ],
];

for (const [name, view, query] of searches) {
  if (state.search(PART, view, query).length === 0) throw new Error(`Nothing is found: ${name}`);
  Deno.bench(name, () => void state.search(PART, view, query));
}

Deno.bench("sums of all subreddits over 24 hours", () => {
  state.totals(hours);
});

Deno.bench("totals of a user", () => void state.get(PART, "user_activity", "total|u_1"));

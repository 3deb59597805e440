import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { MemoryStore } from "@pipeline/adapters/testing";
import { writeOutcome } from "@pipeline/protocol";
import { Metrics, TestClock } from "@pipeline/runtime";
import { watchPipeline } from "./pipeline_metrics.ts";
import { Summarizer } from "./summary.ts";
import { sourceOf } from "./testing/source.ts";
import { buildStore, comment, NOON, post } from "./testing/world.ts";

function watched(store: MemoryStore, clock: TestClock): Metrics {
  const metrics = new Metrics();
  watchPipeline({
    metrics,
    summarizer: new Summarizer({ source: sourceOf({ store, clock }), clock }),
    clock,
  });
  return metrics;
}

Deno.test("watchPipeline() reports generation, offsets, the last whole minute and the busiest subreddits", async () => {
  const store = await buildStore({
    batch: [post({ post_id: "a", created_utc: NOON })],
    speed: [
      post({ post_id: "b", user_id: "u_2", subreddit: "other", created_utc: NOON }),
      comment({ subreddit: "other", created_utc: NOON + 1 }),
    ],
  });
  const text = await watched(store, new TestClock(NOON + 61_000)).render();
  for (
    const line of [
      "lambda_readable 1",
      "lambda_generation 1",
      'lambda_horizon_offset{topic="reddit.posts",partition="0"} ',
      'lambda_folded_offset{topic="reddit.comments",partition="0"} ',
      "lambda_batch_records 1",
      "lambda_speed_records 2",
      "reddit_posts 2",
      "reddit_comments 1",
      'reddit_subreddit_records{subreddit="other"} 2',
    ]
  ) assertStringIncludes(text, `\n${line}`);
});

Deno.test("watchPipeline() reports the outcomes of runs, and nothing that did not happen", async () => {
  const store = await buildStore({ batch: [post({ created_utc: NOON })] });
  const clock = new TestClock(NOON);
  const metrics = watched(store, clock);
  assertFalse(/^batch_/m.test(await metrics.render()));
  await writeOutcome(store, "failed", { at: NOON, why: "no room" });
  await writeOutcome(store, "verified", { at: NOON, generation: 1, differences: 2 });
  await clock.advance(5_000);
  const text = await metrics.render();
  assertStringIncludes(text, `batch_run_timestamp_seconds{result="failed"} ${NOON / 1000}`);
  assertStringIncludes(text, "\nbatch_verify_differences 2");
  assertFalse(/^batch_verify_ledger/m.test(text));

  await writeOutcome(store, "compared", { at: NOON, differences: 3 });
  await writeOutcome(store, "verified", { at: NOON + 1, generation: 1, differences: 0 });
  await clock.advance(5_000);
  const later = await metrics.render();
  assertStringIncludes(later, "\nbatch_verify_differences 0");
  assertStringIncludes(later, "\nbatch_verify_ledger_differences 3");
});

Deno.test("watchPipeline() omits figures that it cannot read, and reports it", async () => {
  const text = await watched(new MemoryStore(), new TestClock(NOON)).render();
  assertStringIncludes(text, "lambda_readable 0");
  assertFalse(/^(lambda_generation|reddit_)/m.test(text));
});

Deno.test("watchPipeline() reads once for all of its gauges, and not again for five seconds", async () => {
  const store = await buildStore({ batch: [post({ created_utc: NOON })] });
  const clock = new TestClock(NOON);
  let asked = 0;
  const summarizer = new Summarizer({ source: sourceOf({ store, clock }), clock });
  const counting = { make: () => (asked++, summarizer.make()) };
  const metrics = new Metrics();
  watchPipeline({ metrics, summarizer: counting, clock });
  await metrics.render();
  await metrics.render();
  assertEquals(asked, 1);
  await clock.advance(5_000);
  await metrics.render();
  assert(asked === 2);
});

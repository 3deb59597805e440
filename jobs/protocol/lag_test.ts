import { MemoryEventLog } from "@pipeline/adapters/testing";
import { type StoppedPartition, TOPICS } from "@pipeline/core";
import { Health, Metrics } from "@pipeline/runtime";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { watchLag } from "./lag.ts";

/** Polls once a second until it is stopped, with two posts that are never processed. */
async function watched(stopped: StoppedPartition[], seconds: number) {
  const log = new MemoryEventLog();
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const producer = await log.producer();
  await producer.send([1, 2].map((i) => ({ topic: "reddit.posts", key: `${i}`, value: null })));
  let now = 0;
  const ending = new AbortController();
  const health = new Health({ monotonic: () => now });
  const metrics = new Metrics();
  let report = health.report();
  await watchLag({
    log,
    partitions: 1,
    positions: () => [{ topic: "reddit.posts", partition: 0, offset: 0 }],
    stopped: () => stopped,
    health,
    metrics,
    clock: {
      sleep: () => {
        now += 1_000;
        report = health.report();
        if (now >= seconds * 1_000) ending.abort();
        return Promise.resolve();
      },
    },
    signal: ending.signal,
    interval: 1_000,
    stallAfter: 3_000,
  });
  return { report, text: await metrics.render() };
}

const why = "reddit.posts-0 stands still at offset 0: the batch cannot be unpacked";

Deno.test("watchLag() is not live where there is lag that stays", async () => {
  assertEquals((await watched([], 3)).report.live, true);
  const { report, text } = await watched([], 5);
  assertEquals([report.live, report.ready], [false, true]);
  assertEquals(text.includes("log_stopped_offset{"), false);
});

Deno.test("watchLag() is not ready and stays live where a partition cannot be read on", async () => {
  const stopped: StoppedPartition = {
    topic: "reddit.posts",
    partition: 0,
    offset: 0,
    reason: "compression",
    why,
  };
  // Two folds are stopped alike.
  const { report, text } = await watched([stopped, { ...stopped }], 60);
  assertEquals([report.live, report.ready], [true, false]);
  assertEquals(report.checks.find(({ name }) => name === "partitions")?.detail, why);
  const labels = `topic="reddit.posts",partition="0",reason="compression"`;
  assertStringIncludes(text, `log_stopped_offset{${labels}} 0\n`);
  assertStringIncludes(text, `log_lag_records{topic="reddit.posts",partition="0"} 2\n`);
});

Deno.test("watchLag() reports the job's position at any moment", async () => {
  const log = new MemoryEventLog();
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const ending = new AbortController();
  const metrics = new Metrics();
  let offset = 1;
  await watchLag({
    log,
    partitions: 1,
    positions: () => [{ topic: "reddit.posts", partition: 0, offset }],
    stopped: () => [],
    health: new Health({ monotonic: () => 0 }),
    metrics,
    clock: { sleep: () => Promise.resolve(ending.abort()) },
    signal: ending.signal,
    stallAfter: 1_000,
  });
  offset = 7;
  assertEquals(await metrics.read("log_position_offset", { topic: "reddit.posts" }), 7);
});

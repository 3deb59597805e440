/** A partition that cannot be read on: what shows, who goes on, and who does not wait for it. */

import { openMemory } from "@pipeline/adapters/testing";
import { runBatch } from "@pipeline/batch";
import { encodeRecord, type PipelineError, TOPICS } from "@pipeline/core";
import { readFolded, readStopped } from "@pipeline/protocol";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ingestConfig } from "../../jobs/ingest/config.ts";
import { runIngest, setUp } from "../../jobs/ingest/pipeline.ts";
import { withReading } from "../../jobs/serving/reading/reading.ts";
import { Source } from "../../jobs/serving/reading/source.ts";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { eventually } from "../contract/suite.ts";
import { start } from "../metrics/_job.ts";
import { StandingStill } from "../support/standing_still.ts";
import { post, SETTINGS, START } from "./_world.ts";

const ONE = { partitions: 1 };
const FAST = {
  ...ONE,
  parts: { host: "127.0.0.1", port: 0 },
  flushInterval: "10ms",
  pollInterval: "10ms",
};
const TOPIC = "reddit.posts";

/** A pipeline in memory; `append` adds posts and says where the topic ends then. */
async function world() {
  const memory = openMemory();
  const still = new StandingStill(memory.log);
  const ports = { ...memory, log: still.log };
  await ports.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const producer = await ports.log.producer();
  let posts = 0;
  const append = async (count: number) => {
    await producer.send(
      Array.from({ length: count }, () => `p${posts++}`).map((id) => ({
        topic: TOPIC,
        key: id,
        value: new TextEncoder().encode(encodeRecord(post(id, START))),
      })),
    );
    return posts;
  };
  return { ports, still, append, folder: await Deno.makeTempDir() };
}

async function folded(ports: Awaited<ReturnType<typeof world>>["ports"], generation: number) {
  const found = await readFolded(ports.store, generation);
  return found.find(({ topic }) => topic === TOPIC)?.next_offset;
}

Deno.test("a partition that cannot be read on shows in readiness, metrics and answers, and ends there by itself", async () => {
  const { ports, still, append, folder } = await world();
  await append(3);
  const why = still.standStill({ topic: TOPIC, partition: 0, offset: 2 });
  const ingest = start(
    folder,
    "ingest",
    ingestConfig,
    { ...ONE, flush: { age: "50ms" } },
    async (job) => {
      await setUp(ports, job);
      await runIngest(ports, job);
    },
  );
  const speed = start(folder, "speed", speedConfig, FAST, (job) => runSpeed(ports, job));
  try {
    await runBatch({ ...ports, settings: SETTINGS });
    const provenance = () =>
      withReading(new Source(ports), async (reading) => {
        reading.include(await reading.live({}));
        return reading.provenance();
      });
    for (const job of [ingest, speed]) {
      await eventually(async () => {
        const text = await job.metrics();
        const labels = `topic="${TOPIC}",partition="0",reason="checksum"`;
        assertMatch(text, new RegExp(`^log_stopped_offset\\{${labels}\\} 2$`, "m"));
        assertMatch(text, /^job_ready 0$/m);
      });
      assertStringIncludes(await job.readyz(), why);
      assertEquals(await job.isLive(), true);
    }
    await eventually(async () => assertEquals((await provenance()).missing[0], `${TOPIC}-0`));
    assertEquals((await provenance()).partial, true);
    // The other topics go on, and a generation is built as far as the log is read.
    assertEquals(await folded(ports, 1), 2);
    await runBatch({ ...ports, settings: SETTINGS });

    still.goOn();
    const end = await append(1);
    await eventually(async () => {
      assertEquals(await folded(ports, 2), end);
      assert(!(await speed.metrics()).includes("log_stopped_offset{"));
      assertMatch(await ingest.metrics(), /^job_ready 1$/m);
    });
    assertEquals((await provenance()).missing.includes(`${TOPIC}-0`), false);
  } finally {
    await ingest.end();
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runBatch() does not wait for a partition that speed cannot read: it ends with the reason", async () => {
  const { ports, still, append, folder } = await world();
  const speed = start(folder, "speed", speedConfig, FAST, (job) => runSpeed(ports, job));
  try {
    await runBatch({ ...ports, settings: SETTINGS });
    const end = await append(5);
    await eventually(async () => assertEquals(await folded(ports, 1), end));
    // Damaged after the served generation has read it: the next one must fold it, and cannot.
    const why = still.standStill({ topic: TOPIC, partition: 0, offset: 3 });
    const error = await assertRejects(() => runBatch({ ...ports, settings: SETTINGS }));
    assertEquals((error as PipelineError).code, "corrupt");
    assertEquals((error as Error).message, `Speed cannot fold generation 2: ${why}`);
    assertEquals(await ports.store.current(), 1);
    assertEquals((await readStopped(ports.store, 2)).length, 1);
    still.goOn();
    assertEquals((await runBatch({ ...ports, settings: SETTINGS })).generation, 3);
    assertEquals(await readStopped(ports.store, 2), [], "dropped with its generation");
  } finally {
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
});

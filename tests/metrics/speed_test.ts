import { assertEquals, assertGreater } from "@std/assert";
import { runBatch } from "@pipeline/batch";
import { openMemory } from "@pipeline/adapters/memory";
import { encodeRecord, TOPICS } from "@pipeline/core";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { sumOf } from "../faults/_process.ts";
import { post, SETTINGS, START } from "../layers/_world.ts";
import { pause } from "../support/demo.ts";
import { type Running, start } from "./_job.ts";

async function counted(speed: Running, records: number): Promise<number> {
  for (let left = 500; left > 0; left--) {
    const text = await speed.metrics();
    if (sumOf(text, "speed_records_total", {}) === records) {
      return sumOf(text, "speed_documents_total", {});
    }
    await pause(10);
  }
  throw new Error(`Speed did not count ${records} records`);
}

Deno.test("speed counts the documents of a generation that it catches up with, as it does its records", async () => {
  const folder = await Deno.makeTempDir();
  const ports = openMemory();
  const { log } = ports;
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const producer = await log.producer();
  await producer.send(["p1", "p2"].map((id) => ({
    topic: "reddit.posts",
    key: id,
    value: new TextEncoder().encode(encodeRecord(post(id, START))),
  })));
  await producer.close();
  const settings = { partitions: 1, flushInterval: "10ms", pollInterval: "10ms" };
  const speed = start(folder, "speed", speedConfig, settings, (job) => runSpeed(ports, job));
  try {
    // Nothing is in the dataset: each generation's horizon is the log's beginning.
    await runBatch({ ...ports, settings: SETTINGS });
    const documents = await counted(speed, 2);
    assertGreater(documents, 0);
    await runBatch({ ...ports, settings: SETTINGS });
    assertEquals(await counted(speed, 4), 2 * documents);
  } finally {
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
});

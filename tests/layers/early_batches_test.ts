/** A log that delivers, as brokers may, before it has handed out the consumer. */

import { withSubscribe } from "@pipeline/adapters/testing";
import { runBatch } from "@pipeline/batch";
import type { EventLog } from "@pipeline/core";
import { Ingest } from "@pipeline/ingest";
import { CommitLog, INGEST_GROUP, readFolded } from "@pipeline/protocol";
import { Speed } from "@pipeline/speed";
import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { post, SETTINGS, START, World } from "./_world.ts";

/** The log, but `subscribe` resolves only when a first batch was handled, flush and all. */
function early(log: EventLog): EventLog {
  return withSubscribe(log, async (subscription) => {
    const handled = Promise.withResolvers<void>();
    const consumer = await log.subscribe({
      ...subscription,
      batch: (batch) => subscription.batch(batch).then(handled.resolve, handled.reject),
    });
    await handled.promise;
    return consumer;
  });
}

Deno.test("Ingest flushes a batch that comes before its consumer", async () => {
  const world = new World();
  await world.commit([post("p1", START)]);
  await world.produce([post("p2", START + 1)]);
  const { log, dataset } = world.ports;
  const ingest = await Ingest.start({
    log: early(log),
    dataset,
    settings: { flush: { records: 1, bytes: 1_000, age: 1_000 }, maxFuture: 1_000 },
  });
  try {
    assertEquals((await new CommitLog(dataset).last("reddit.posts", 0))?.end, 2);
    await eventually(async () => {
      assertEquals(await log.marks(INGEST_GROUP, "reddit.posts"), [2]);
    });
  } finally {
    await ingest.stop();
  }
});

Deno.test("Speed flushes a batch that comes before its consumer", async () => {
  const world = new World();
  await world.commit([post("p1", START)]);
  const { generation } = await world.withSpeed(() =>
    runBatch({ ...world.ports, settings: SETTINGS })
  );
  await world.produce([post("p2", START + 1)]);
  const { log, store } = world.ports;
  const settings = { flushInterval: 2, maxDocuments: 1_000_000, pollInterval: 2 };
  const speed = Speed.start({ log: early(log), store, settings });
  const foldedTo = (end: number) =>
    eventually(async () => {
      const folded = await readFolded(store, generation);
      assertEquals(folded.find(({ topic }) => topic === "reddit.posts")?.next_offset, end);
    });
  try {
    await Promise.race([speed.done, foldedTo(2)]);
    await world.produce([post("p3", START + 2)]);
    await Promise.race([speed.done, foldedTo(3)]);
  } finally {
    await speed.stop();
  }
});

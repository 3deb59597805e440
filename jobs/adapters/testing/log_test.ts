import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type LogBatch, PipelineError } from "@pipeline/core";
import { MemoryEventLog, type MemoryLogOptions } from "./mod.ts";

async function logOf(keys: string, options: MemoryLogOptions = {}) {
  const log = new MemoryEventLog(options);
  await log.ensureTopics([{ topic: "t", partitions: 1 }]);
  const producer = await log.producer();
  await producer.send([...keys].map((key) => ({ topic: "t", key, value: null })));
  return { log, producer };
}

/** Subscribes and collects batches; `until` resolves when the position is reached. */
async function gather(log: MemoryEventLog, end: number, start = 0) {
  const batches: LogBatch[] = [];
  const reached = Promise.withResolvers<void>();
  const consumer = await log.subscribe({
    group: "g",
    topics: ["t"],
    maxRecords: 2,
    start: () => Promise.resolve(start),
    batch: (batch) => {
      batches.push(batch);
      if (batch.nextOffset >= end) reached.resolve();
      return Promise.resolve();
    },
  });
  return { batches, consumer, until: Promise.race([reached.promise, consumer.done]) };
}

Deno.test("MemoryEventLog redelivers older offsets on request", async () => {
  const again = [undefined, undefined, 1, 0, undefined];
  const { log } = await logOf("abcdef", { redeliver: () => again.shift() });
  const { batches, consumer, until } = await gather(log, 6);
  await until;
  await consumer.stop();
  assertEquals(
    batches.map((batch) => [batch.startOffset, batch.nextOffset]),
    [[0, 2], [2, 4], [1, 3], [0, 2], [2, 4], [4, 6]],
  );
});

Deno.test("MemoryEventLog leaves gaps that batches reach over", async () => {
  const { log, producer } = await logOf("ab");
  log.gap("t", 0, 3);
  await producer.send([{ topic: "t", key: "c", value: null }]);
  log.gap("t", 0, 1);
  const { batches, consumer, until } = await gather(log, 7);
  await until;
  await consumer.stop();
  assertEquals(batches.map((batch) => [batch.startOffset, batch.nextOffset]), [[0, 5], [5, 7]]);
  assertEquals(batches.flatMap((b) => b.records.map((r) => r.offset)), [0, 1, 5]);
  const read: LogBatch[] = [];
  for await (const batch of log.read("t", 0, 1, 4)) read.push(batch);
  assertEquals(read.map((b) => [b.startOffset, b.nextOffset, b.records.length]), [[1, 4, 1]]);
});

Deno.test("MemoryEventLog ends a consumer below which offsets are deleted", async () => {
  const { log } = await logOf("ab");
  const { consumer, until } = await gather(log, 2);
  await until;
  log.gap("t", 0, 5);
  log.truncate("t", 0, 6);
  const error = await assertRejects(() => consumer.done, PipelineError);
  assertEquals(error.code, "offset_out_of_range");
  assertStringIncludes(error.message, "offsets 2 to 6 (exclusive) of t-0 are gone");
});

Deno.test("MemoryEventLog ends a consumer whose topic was recreated and is shorter", async () => {
  const { log } = await logOf("abc");
  const { consumer, until } = await gather(log, 3);
  await until;
  log.recreate("t");
  const error = await assertRejects(() => consumer.done, PipelineError);
  assertEquals(error.code, "offset_out_of_range");
});

Deno.test("MemoryEventLog keeps its state for the handle that comes after a closed one", async () => {
  const { log } = await logOf("abc");
  const next = log.connect();
  await log.close();
  assertEquals(await next.ranges("t"), [{ partition: 0, earliest: 0, end: 3 }]);
});

Deno.test("MemoryEventLog takes timestamps from its clock and never goes back", async () => {
  const times = [5, 3, 9];
  const { log } = await logOf("abc", { clock: () => times.shift()! });
  for await (const batch of log.read("t", 0, 0, 3)) {
    assertEquals(batch.records.map((record) => record.timestamp), [5, 5, 9]);
  }
});

for (const abrupt of [true, false]) {
  const what = abrupt ? "at once" : "only after the old owner's batch";
  Deno.test(`MemoryEventLog gives partitions to a new member ${what} (abrupt: ${abrupt})`, async () => {
    const log = new MemoryEventLog({ abrupt });
    await log.ensureTopics([{ topic: "t", partitions: 2 }]);
    const producer = await log.producer();
    await producer.send([{ topic: "t", key: "k", value: null, partition: 1 }]);
    const gate = Promise.withResolvers<void>();
    const events: string[] = [];
    const subscribe = (name: string, wait?: Promise<void>) =>
      log.subscribe({
        group: "g",
        topics: ["t"],
        start: () => Promise.resolve(0),
        batch: async () => {
          events.push(`${name} begins`);
          await wait;
          events.push(`${name} ends`);
        },
        revoked: (_, partition) => Promise.resolve(void events.push(`${name} lost ${partition}`)),
      });
    const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
    const old = await subscribe("old", gate.promise);
    await settle();
    const heir = await subscribe("new");
    await settle();
    const early = events.filter((event) => event.startsWith("new"));
    assertEquals(early, abrupt ? ["new begins", "new ends"] : []);
    gate.resolve();
    await settle();
    assert(events.includes("old lost 1"));
    assert(events.indexOf("old ends") < events.indexOf("old lost 1"));
    assert(events.includes("new ends"));
    await Promise.all([old.stop(), heir.stop()]);
  });
}

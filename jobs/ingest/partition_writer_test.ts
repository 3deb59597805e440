import { openMemory } from "@pipeline/adapters/testing";
import { DEAD_LETTER_TOPIC } from "@pipeline/core";
import { CommitLog } from "@pipeline/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { PartitionWriter } from "./partition_writer.ts";

/** Writes records that are no JSON; the log takes dead letters of at most so many bytes. */
async function letters(values: Uint8Array[], maxRecordBytes: number, key = "k") {
  const { log, dataset } = openMemory({ maxRecordBytes });
  await log.ensureTopics([{ topic: DEAD_LETTER_TOPIC, partitions: 1 }]);
  const writer = new PartitionWriter({
    dataset,
    deadLetters: await log.producer(),
    topic: "reddit.posts",
    partition: 0,
    next: 0,
    last: null,
    maxFuture: 0,
    token: "t".repeat(32),
  });
  const records = values.map((value, offset) => ({ offset, key, value, timestamp: 7 }));
  const nextOffset = values.length;
  writer.add({ topic: "reddit.posts", partition: 0, startOffset: 0, nextOffset, records });
  await writer.flush();
  assertEquals(
    await new CommitLog(dataset).last("reddit.posts", 0).then((c) => c?.end),
    nextOffset,
  );
  const [range] = await log.ranges(DEAD_LETTER_TOPIC);
  const batches = await Array.fromAsync(log.read(DEAD_LETTER_TOPIC, 0, 0, range!.end));
  return batches.flatMap((batch) => batch.records)
    .map(({ value }) => JSON.parse(new TextDecoder().decode(value!)));
}

Deno.test("flush() cuts dead letters that are larger than the log takes, and says so in them", async () => {
  const [large, small] = [new Uint8Array(800_000).fill(120), new Uint8Array(9).fill(120)];
  const [whole] = await letters([large], 2_000_000);
  assertEquals([whole.value.length, whole.value_bytes], [1_066_668, undefined]);
  // As large as the log takes; in base64 it is larger.
  const [cut, beside] = await letters([large, small], 900_000);
  assertEquals(cut.value, large.subarray(0, 65_536).toBase64());
  assertEquals([cut.offset, cut.value_bytes], [0, 800_000]);
  assertEquals([beside.offset, beside.value, beside.value_bytes], [1, small.toBase64(), undefined]);
  const [short] = await letters([large], 10_000, "k".repeat(9_000));
  assertEquals([short.value, short.key.length], [large.subarray(0, 1_024).toBase64(), 1_024]);
});

Deno.test("flush() fails where the log takes no dead letter at all", async () => {
  await assertRejects(() => letters([new Uint8Array(9)], 20), Error, "20 are allowed");
});

import { assertEquals, assertRejects } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import { PipelineError, type TopicSpec } from "@pipeline/core";
import { TEMPORARY } from "@pipeline/protocol";
import { checkDataset, checkTopics } from "./check.ts";

const SPECS: readonly TopicSpec[] = [{ topic: "a", partitions: 3 }, { topic: "b", partitions: 1 }];

Deno.test("checkTopics() accepts topics as they must be, and makes none", async () => {
  const { log } = openMemory();
  await log.ensureTopics(SPECS.slice(0, 1));
  const missing = await assertRejects(() => checkTopics(log, SPECS), PipelineError);
  assertEquals(missing.code, "not_found");
  await assertRejects(() => log.ranges("b"), PipelineError);
  await log.ensureTopics(SPECS);
  await checkTopics(log, SPECS);
});

Deno.test("checkTopics() names the topic that has another number of partitions", async () => {
  const { log } = openMemory();
  await log.ensureTopics([{ topic: "a", partitions: 2 }]);
  const error = await assertRejects(() => checkTopics(log, SPECS), PipelineError);
  assertEquals([error.code, error.message], ["conflict", "a has 2 partitions, not 3"]);
});

Deno.test("checkDataset() leaves nothing behind, whether it finds fault or not", async () => {
  const { dataset } = openMemory();
  await checkDataset(dataset);
  assertEquals(await dataset.list(TEMPORARY), []);
  const fewer = await assertRejects(() => checkDataset(dataset, 3), PipelineError);
  assertEquals(fewer.code, "unavailable");
  assertEquals(fewer.message, "The dataset has made 1 of 3 copies of a file");
  assertEquals(await dataset.list(TEMPORARY), []);
  dataset.read = async function* () {
    yield await Promise.resolve(new Uint8Array(65_536));
  };
  const error = await assertRejects(() => checkDataset(dataset), PipelineError, "does not hold");
  assertEquals(error.code, "corrupt");
  assertEquals(await dataset.list(TEMPORARY), []);
});

import { assertEquals, assertRejects } from "@std/assert";
import { MemoryEventLog } from "@pipeline/adapters/testing";
import { PipelineError, TOPICS } from "@pipeline/core";
import { topicsAreThere } from "./topics.ts";

Deno.test("topicsAreThere() is retriable until every topic exists", async () => {
  const log = new MemoryEventLog();
  for (const topic of TOPICS) {
    const error = await assertRejects(() => topicsAreThere(log), PipelineError, "set-up");
    assertEquals([error.code, error.retriable], ["unavailable", true]);
    await log.ensureTopics([{ topic, partitions: 1 }]);
  }
  await topicsAreThere(log);
  await log.close();
});

Deno.test("topicsAreThere() passes on that the log is of no use", async () => {
  const log = new MemoryEventLog();
  log.ranges = () => Promise.reject(new PipelineError("invalid", "The password is wrong"));
  const error = await assertRejects(() => topicsAreThere(log), PipelineError, "password");
  assertEquals(error.code, "invalid");
  await log.close();
});

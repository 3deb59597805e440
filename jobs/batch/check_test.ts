import { assertEquals, assertRejects } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import { PipelineError } from "@pipeline/core";
import { checkServing } from "./check.ts";

Deno.test("checkServing() waits for a generation, then returns the served one", async () => {
  const { store } = openMemory();
  const error = await assertRejects(() => checkServing(store), PipelineError, "no generation yet");
  assertEquals(error.retriable, true);
  await store.createGeneration(1);
  await store.seal(1);
  await assertRejects(() => checkServing(store), PipelineError, "no generation yet");
  await store.switchTo(1, undefined);
  assertEquals(await checkServing(store), {
    generation: 1,
    documents: { top_posts: 0, subreddit_activity: 0, user_activity: 0 },
  });
});

Deno.test("checkServing() fails while a part of a view does not answer", async () => {
  const { store } = openMemory();
  await store.createGeneration(1);
  await store.switchTo(1, undefined);
  store.search = () => Promise.resolve({ documents: [], complete: false });
  const error = await assertRejects(() => checkServing(store), PipelineError, "is away");
  assertEquals(error.retriable, true);
});

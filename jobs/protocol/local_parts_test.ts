import { PipelineError } from "@pipeline/core";
import { assertEquals, assertRejects } from "@std/assert";
import { localParts } from "./local_parts.ts";
import type { PartAnswer, PartsRequest } from "./parts.ts";

const REQUEST: PartsRequest = { generation: 1, definition: "d", questions: [] };

Deno.test("localParts() passes the request on, and returns the answers", async () => {
  const answers: readonly PartAnswer[] = [];
  const asked: PartsRequest[] = [];
  const parts = localParts((request) => (asked.push(request), answers));
  assertEquals(await parts.ask(REQUEST) === answers, true);
  assertEquals(asked, [REQUEST]);
});

Deno.test("localParts() has no answers where a fold refuses, and does not hide mistakes", async () => {
  const throwing = (error: unknown) =>
    localParts(() => {
      throw error;
    });
  const refusal = new PipelineError("not_found", "Generation 1 is not folded");
  assertEquals(await throwing(refusal).ask(REQUEST), []);
  await assertRejects(() => throwing(new TypeError("x")).ask(REQUEST), TypeError);
});

import { PipelineError } from "@pipeline/core";
import { assertEquals, assertRejects } from "@std/assert";
import { LocalParts } from "./local_parts.ts";
import type { PartAnswer, PartsRequest } from "./parts.ts";

const REQUEST: PartsRequest = { generation: 1, identity: "i", questions: [] };

Deno.test("LocalParts.ask() passes the request on, and returns the answers", async () => {
  const answers: readonly PartAnswer[] = [];
  const asked: PartsRequest[] = [];
  const parts = new LocalParts();
  parts.offer((request) => (asked.push(request), answers));
  assertEquals(await parts.ask(REQUEST) === answers, true);
  assertEquals(asked, [REQUEST]);
});

Deno.test("LocalParts.ask() has no answers before folds are offered, and once they are withdrawn", async () => {
  const parts = new LocalParts();
  assertEquals(await parts.ask(REQUEST), []);
  let asked = 0;
  const count = () => (asked++, []);
  const withdraw = parts.offer(count);
  await parts.ask(REQUEST);
  withdraw();
  assertEquals([await parts.ask(REQUEST), asked], [[], 1]);
});

Deno.test("LocalParts.offer() lets nobody withdraw the folds of another", async () => {
  const parts = new LocalParts();
  const withdraw = parts.offer(() => []);
  let asked = 0;
  parts.offer(() => (asked++, []));
  withdraw();
  await parts.ask(REQUEST);
  assertEquals(asked, 1);
});

Deno.test("LocalParts.ask() has no answers if the folds refuse, and does not hide mistakes", async () => {
  const throwing = (error: unknown) => {
    const parts = new LocalParts();
    parts.offer(() => {
      throw error;
    });
    return parts;
  };
  const refusal = new PipelineError("not_found", "Generation 1 is not folded");
  assertEquals(await throwing(refusal).ask(REQUEST), []);
  await assertRejects(() => throwing(new TypeError("x")).ask(REQUEST), TypeError);
});

import { assertEquals, assertRejects } from "@std/assert";
import { offsetVector, PipelineError } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { shareAnswer } from "./share.ts";

const OPTIONS = { what: "The log", maxAge: 500, timeout: 1000 };

Deno.test("shareAnswer() asks once for all who ask at about the same time", async () => {
  const clock = new TestClock();
  let asked = 0;
  const ends = shareAnswer(() => Promise.resolve(offsetVector(1, () => ++asked)), {
    ...OPTIONS,
    clock,
  });
  const answers = await Promise.all([ends(), ends(), ends()]);
  assertEquals(new Set(answers).size, 1);
  const first = asked;
  await clock.advance(499);
  await ends();
  assertEquals(asked, first);
  await clock.advance(1);
  await ends();
  assertEquals(asked, first * 2);
});

Deno.test("shareAnswer() gives up on a log that does not answer, and calls it later", async () => {
  const clock = new TestClock();
  let asked = 0;
  const hangs = () => {
    asked++;
    return new Promise<never>(() => {});
  };
  const ends = shareAnswer(hangs, { ...OPTIONS, clock });
  const rejected = assertRejects(() => ends(), PipelineError, "The log did not answer");
  await clock.advance(1000);
  await rejected;
  ends().catch(() => {});
  assertEquals(asked, 2);
});

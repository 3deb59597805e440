import { TestClock } from "@pipeline/runtime";
import { assertEquals } from "@std/assert";
import { Breaker } from "./_breaker.ts";

Deno.test("Breaker leaves a source out for twice as long after each failure, up to 10 s", async () => {
  const clock = new TestClock();
  const breaker = new Breaker(clock);
  assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  for (const pause of [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
    breaker.failed();
    await clock.advance(pause - 1);
    assertEquals([breaker.isOpen, breaker.allows], [true, false]);
    await clock.advance(1);
    assertEquals([breaker.isOpen, breaker.allows], [true, true]);
  }
});

Deno.test("Breaker.succeeded() forgets all failures", async () => {
  const clock = new TestClock();
  const breaker = new Breaker(clock);
  for (let i = 0; i < 5; i++) breaker.failed();
  breaker.succeeded();
  assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  breaker.failed();
  await clock.advance(500);
  assertEquals(breaker.allows, true);
});

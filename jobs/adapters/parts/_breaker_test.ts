import { TestClock } from "@pipeline/runtime";
import { assertEquals } from "@std/assert";
import { Breaker } from "./_breaker.ts";

const PAUSES = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];

Deno.test("Breaker leaves a source out for twice as long after each failure, up to 10 s", async () => {
  const clock = new TestClock();
  const breaker = new Breaker(clock);
  assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  for (const pause of PAUSES) {
    breaker.failed();
    await clock.advance(pause - 1);
    assertEquals([breaker.isOpen, breaker.allows], [true, false]);
    await clock.advance(1);
    assertEquals([breaker.isOpen, breaker.allows], [true, true]);
  }
});

Deno.test("Breaker leaves a source out at the third time-out in a row, and then at each", async () => {
  const clock = new TestClock();
  const breaker = new Breaker(clock);
  for (let i = 0; i < 2; i++) {
    breaker.timedOut();
    assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  }
  for (const pause of PAUSES) {
    breaker.timedOut();
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
  for (let i = 0; i < 2; i++) breaker.timedOut();
  breaker.succeeded();
  assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  for (let i = 0; i < 2; i++) breaker.timedOut();
  breaker.succeeded();
  breaker.timedOut();
  assertEquals([breaker.isOpen, breaker.allows], [false, true]);
  breaker.failed();
  await clock.advance(100);
  assertEquals(breaker.allows, true);
});

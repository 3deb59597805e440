import { assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { systemClock, TestClock } from "./clock.ts";

Deno.test("TestClock.advance() wakes sleepers in the order in which they are due", async () => {
  const clock = new TestClock(1000);
  const woken: string[] = [];
  const late = clock.sleep(20).then(() => woken.push(`late at ${clock.now()}`));
  const early = clock.sleep(10).then(() => woken.push(`early at ${clock.now()}`));
  await clock.advance(9);
  assertEquals(woken, []);
  await clock.advance(11);
  await Promise.all([late, early]);
  assertEquals(woken, ["early at 1010", "late at 1020"]);
  assertEquals(clock.monotonic(), 20);
});

Deno.test("TestClock.advance() wakes sleeps that begin while time passes", async () => {
  const clock = new TestClock();
  let rounds = 0;
  const loop = (async () => {
    for (; rounds < 5; rounds++) await clock.sleep(10);
  })();
  await clock.advance(50);
  await loop;
  assertEquals(rounds, 5);
});

Deno.test("TestClock.run() lets as much time pass as is needed", async () => {
  const clock = new TestClock(0);
  const work = (async () => {
    await clock.sleep(3_600_000);
    return clock.now();
  })();
  assertEquals(await clock.run(work), 3_600_000);
});

Deno.test("TestClock.step() leaves durations alone", () => {
  const clock = new TestClock(5000);
  clock.step(-3000);
  assertEquals(clock.now(), 2000);
  assertEquals(clock.monotonic(), 0);
});

for (const [name, clock] of [["system", systemClock], ["test", new TestClock()]] as const) {
  Deno.test(`sleep() of the ${name} clock rejects with stopped when aborted`, async () => {
    const controller = new AbortController();
    const sleep = clock.sleep(60_000, controller.signal);
    controller.abort();
    const error = await assertRejects(() => sleep, PipelineError);
    assertEquals(error.code, "stopped");
    await assertRejects(() => clock.sleep(0, controller.signal), PipelineError);
  });
}

Deno.test("systemClock.sleep() waits for about as long as asked", async () => {
  const start = systemClock.monotonic();
  await systemClock.sleep(15);
  assertEquals(systemClock.monotonic() - start >= 14, true);
});

import { assertEquals } from "@std/assert";
import { TestClock } from "./clock.ts";
import { Health } from "./health.ts";

Deno.test("Health is ready when every gate is open", () => {
  const health = new Health(new TestClock());
  assertEquals(health.report().ready, true);
  const [log, store] = [health.gate("log"), health.gate("store")];
  assertEquals(health.report().ready, false);
  log.open();
  store.open();
  assertEquals(health.report().ready, true);
  store.close("the store does not answer");
  const report = health.report();
  assertEquals([report.ready, report.live], [false, true]);
  assertEquals(report.checks[1], {
    name: "store",
    ok: false,
    detail: "the store does not answer",
  });
});

Deno.test("Health is live as long as its loops come around", async () => {
  const clock = new TestClock();
  const health = new Health(clock);
  const fold = health.loop("fold", 1000);
  await clock.advance(1000);
  assertEquals(health.report().live, true);
  await clock.advance(1);
  assertEquals(health.report().live, false);
  assertEquals(health.report().checks[0]?.detail, "last came around 1001 ms ago");
  fold.beat();
  assertEquals(health.report().live, true);
});

Deno.test("Health does not take a stepped wall clock for a stall", () => {
  const clock = new TestClock();
  const health = new Health(clock);
  health.loop("fold", 1000);
  clock.step(3_600_000);
  assertEquals(health.report().live, true);
});

Deno.test("Health forgets a loop that ended as it should", async () => {
  const clock = new TestClock();
  const health = new Health(clock);
  health.loop("bootstrap", 10).end();
  await clock.advance(1000);
  assertEquals(health.report(), { ready: true, live: true, checks: [] });
});

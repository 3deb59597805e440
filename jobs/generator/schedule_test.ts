import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { parseRate, Schedule } from "./schedule.ts";

/** Times at which the records of the first `until` milliseconds are due. */
function times(rate: string, until: number): number[] {
  const schedule = new Schedule(parseRate(rate));
  const due: number[] = [];
  while (schedule.next <= until) due.push(schedule.take());
  return due;
}

Deno.test("parseRate() reads constant rates, ramps and bursts", () => {
  assertEquals(parseRate("100"), { from: 100, to: 100, over: 0 });
  assertEquals(parseRate(0.5), { from: 0.5, to: 0.5, over: 0 });
  assertEquals(parseRate("10..1000 over 5m"), { from: 10, to: 1000, over: 300_000 });
  assertEquals(parseRate("10 burst 500 for 2s every 1m"), {
    from: 10,
    to: 10,
    over: 0,
    burst: { rate: 500, length: 2_000, every: 60_000 },
  });
});

Deno.test("parseRate() refuses anything else, and names the allowed forms", () => {
  for (const text of ["", "fast", "-1", "1e3", "10..20", "10 burst 20 for 2m every 1m"]) {
    assertThrows(() => parseRate(text), PipelineError, text === "" ? "must be" : text);
  }
});

Deno.test("Schedule is even at a constant rate", () => {
  const due = times("100", 10_000);
  assertEquals(due.length, 1_000);
  for (const [i, time] of due.entries()) assertAlmostEquals(time, (i + 1) * 10, 1e-6);
});

Deno.test("Schedule has nothing due at rate 0, and continues after a ramp from 0", () => {
  assertEquals(new Schedule(parseRate("0")).next, Infinity);
  assertEquals(new Schedule(parseRate("0")).behind(1e12), 0);
  // The area under a ramp from 0 to 100 a second over 10 s is 500.
  assertEquals(times("0..100 over 10s", 10_000.001).length, 500);
  assertEquals(times("0..100 over 10s", 20_000.001).length, 1_500);
});

Deno.test("Schedule falls along a ramp to 0, and then has nothing due", () => {
  assertEquals(times("100..0 over 10s", 1e9).length, 500);
});

Deno.test("Schedule bursts at the end of every period", () => {
  const due = times("10 burst 1000 for 1s every 10s", 20_000.001);
  assertEquals(due.length, 2 * (9 * 10 + 1_000));
  const second = (n: number) => due.filter((t) => t > n * 1000 && t <= (n + 1) * 1000).length;
  assertEquals([second(8), second(9), second(10)], [10, 1_000, 10]);
});

Deno.test("Schedule counts due records exactly as it hands them out", () => {
  for (const rate of ["7", "3..50 over 7s", "5..80 over 20s burst 300 for 1500ms every 6s"]) {
    const schedule = new Schedule(parseRate(rate));
    const all = times(rate, 60_000);
    for (let elapsed = 0.5; elapsed <= 59_000; elapsed += 777) {
      assertEquals(schedule.behind(elapsed), all.filter((time) => time <= elapsed).length);
    }
    while (schedule.next <= 59_000) schedule.take();
    assertEquals(schedule.behind(59_000), 0);
    assert(schedule.next > 59_000);
  }
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { TestClock } from "./clock.ts";
import { retry, type RetryNotice, withTimeout } from "./retry.ts";

const busy = () => new PipelineError("unavailable", "busy");

Deno.test("retry() continues until the call succeeds, and reports each retry", async () => {
  const clock = new TestClock();
  const notices: RetryNotice[] = [];
  const result = await clock.run(retry(
    (attempt) => attempt < 5 ? Promise.reject(busy()) : Promise.resolve(attempt),
    { clock, random: () => 0.5, onRetry: (notice) => notices.push(notice) },
  ));
  assertEquals(result, 5);
  assertEquals(notices.map(({ delay }) => delay), [50, 100, 200, 400]);
  assertEquals(clock.monotonic(), 750);
});

Deno.test("retry() never waits longer than the policy's maximum", async () => {
  const clock = new TestClock();
  const delays: number[] = [];
  await clock.run(retry(
    (attempt) => attempt < 50 ? Promise.reject(busy()) : Promise.resolve(),
    {
      clock,
      random: () => 0.999,
      policy: { base: 10, max: 1000 },
      onRetry: ({ delay }) => delays.push(delay),
    },
  ));
  assertEquals(delays.length, 49);
  assert(delays.every((delay) => delay < 1000));
});

Deno.test("retry() throws permanent errors at once", async () => {
  const errors = [new PipelineError("conflict", "taken"), new TypeError("a mistake of ours")];
  for (const error of errors) {
    let calls = 0;
    const call = () => {
      calls++;
      return Promise.reject(error);
    };
    assertEquals(await assertRejects(() => retry(call)), error);
    assertEquals(calls, 1);
  }
});

Deno.test("retry() gives up after the policy's attempts", async () => {
  const clock = new TestClock();
  let calls = 0;
  const work = retry(() => {
    calls++;
    return Promise.reject(busy());
  }, { clock, policy: { base: 1, max: 1, attempts: 3 } });
  await assertRejects(() => clock.run(work), PipelineError, "busy");
  assertEquals(calls, 3);
});

Deno.test("retry() stops waiting when its signal is aborted", async () => {
  const clock = new TestClock();
  const controller = new AbortController();
  const work = retry(() => Promise.reject(busy()), { clock, signal: controller.signal });
  const rejected = assertRejects(() => work, PipelineError);
  await clock.advance(1000);
  controller.abort();
  assertEquals((await rejected).code, "stopped");
  assertEquals(clock.sleeping, 0);
});

Deno.test("withTimeout() rejects with unavailable and aborts the call", async () => {
  const clock = new TestClock();
  let aborted = false;
  const work = withTimeout(
    (signal) =>
      new Promise<void>(() => signal.addEventListener("abort", () => void (aborted = true))),
    { ms: 5000, what: "The search", clock },
  );
  const error = await assertRejects(() => clock.run(work), PipelineError);
  assertEquals(error.message, "The search did not answer within 5000 ms");
  assertEquals(error.code, "unavailable");
  assert(aborted);
});

Deno.test("withTimeout() leaves nothing behind when the call is quick", async () => {
  const clock = new TestClock();
  assertEquals(await withTimeout(() => Promise.resolve(7), { ms: 10, what: "It", clock }), 7);
  await clock.advance(0);
  assertEquals(clock.sleeping, 0);
});

Deno.test("withTimeout() passes errors on, and stops with the caller's signal", async () => {
  const clock = new TestClock();
  const fails = withTimeout(() => Promise.reject(new TypeError("x")), { ms: 9, what: "It", clock });
  await assertRejects(() => fails, TypeError);
  const controller = new AbortController();
  const work = withTimeout(() => new Promise(() => {}), {
    ms: 9,
    what: "It",
    clock,
    signal: controller.signal,
  });
  const rejected = assertRejects(() => work, PipelineError);
  controller.abort();
  assertEquals((await rejected).code, "stopped");
});

import { assertEquals, assertRejects } from "@std/assert";
import { MemoryStore } from "@pipeline/adapters/testing";
import { hasCode } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { lockBatch } from "./lock.ts";

const LEASE = 60_000;

Deno.test("lockBatch() refuses at once while another run holds the lock", async () => {
  const [store, clock] = [new MemoryStore(), new TestClock()];
  await lockBatch(store, "a", { lease: LEASE, clock });
  const error = await assertRejects(() => lockBatch(store, "b", { lease: LEASE, clock }));
  assertEquals(hasCode(error, "conflict"), true);
  assertEquals(clock.monotonic(), 0);
});

Deno.test("lockBatch() takes over what a dead run has left, once its lease is over", async () => {
  const [store, clock] = [new MemoryStore(), new TestClock()];
  await lockBatch(store, "a", { lease: LEASE, clock });
  await clock.run(lockBatch(store, "b", { lease: LEASE, clock, wait: 2 * LEASE }));
  assertEquals(clock.monotonic(), LEASE);
});

Deno.test("lockBatch() waits for a run that ends meanwhile", async () => {
  const [store, clock] = [new MemoryStore(), new TestClock()];
  const first = await lockBatch(store, "a", { lease: LEASE, clock });
  const second = lockBatch(store, "b", { lease: LEASE, clock, wait: 2 * LEASE });
  await clock.advance(10_500);
  await first.release();
  await clock.run(second);
  assertEquals(clock.monotonic(), 11_000);
});

Deno.test("lockBatch() is held up by a clock that stepped back for no longer than a lease", async () => {
  const [store, clock] = [new MemoryStore(), new TestClock()];
  await lockBatch(store, "a", { lease: LEASE, clock });
  clock.step(-3_600_000);
  await clock.run(lockBatch(store, "b", { lease: LEASE, clock }));
  assertEquals(clock.monotonic(), LEASE);
});

Deno.test("lockBatch() refuses a run that is alive where a clock stepped back", async () => {
  const [store, clock] = [new MemoryStore(), new TestClock()];
  const first = await lockBatch(store, "a", { lease: LEASE, clock });
  // The other machine's clock is right.
  const renewing = (async () => {
    for (let i = 0; i < 8; i++) {
      await clock.sleep(20_000);
      clock.step(3_600_000);
      await first.renew();
      clock.step(-3_600_000);
    }
  })();
  clock.step(-3_600_000);
  const error = await clock.run(
    assertRejects(() => lockBatch(store, "b", { lease: LEASE, clock, wait: LEASE })),
  );
  assertEquals(hasCode(error, "conflict"), true);
  await clock.run(renewing);
});

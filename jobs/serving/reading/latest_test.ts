import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import { Latest } from "./latest.ts";

/** A value that grows with each reading; `answer` decides how the store answers. */
function world(options: { readonly initial?: number } = {}) {
  const clock = new TestClock();
  const store = { reads: 0, answer: () => Promise.resolve() as Promise<void> };
  const read = async () => {
    const value = ++store.reads;
    await store.answer();
    return value;
  };
  const latest = new Latest<number>({ read, maxAge: 1_000, clock, ...options });
  return { clock, store, latest };
}

const refuse = () => Promise.reject(new PipelineError("unavailable", "The store is away"));

Deno.test("Latest reads once for all callers, and again when the value is old", async () => {
  const { clock, store, latest } = world();
  assertEquals(await Promise.all([latest.get(), latest.get()]), [1, 1]);
  await clock.advance(999);
  assertEquals([await latest.get(), store.reads], [1, 1]);
  await clock.advance(1);
  assertEquals(await Promise.all([latest.get(), latest.get()]), [2, 2]);
  assertEquals(latest.failure, undefined);
});

Deno.test("Latest keeps the last value while reading fails, and follows once it succeeds", async () => {
  const { clock, store, latest } = world();
  await latest.get();
  store.answer = refuse;
  await clock.advance(1_000);
  assertEquals(await latest.get(), 1);
  assert(latest.failure instanceof PipelineError);
  // A store that is away is asked in the background, and not at each call.
  for (let i = 0; i < 10; i++) assertEquals(await latest.get(), 1);
  assertEquals(store.reads, 2);
  store.answer = () => Promise.resolve();
  await clock.advance(1_000);
  assertEquals(await latest.get(), 1);
  await clock.advance(0);
  assertEquals(await latest.get(), 3);
  assertEquals(latest.failure, undefined);
});

Deno.test("Latest waits for a store that hangs a moment, and then gives the last value", async () => {
  const { clock, store, latest } = world();
  await latest.get();
  store.answer = () => new Promise(() => {});
  await clock.advance(1_000);
  const first = latest.get();
  await clock.advance(249);
  assertEquals(await Promise.race([first, Promise.resolve("waits")]), "waits");
  await clock.advance(1);
  assertEquals(await first, 1);
  assertEquals(await latest.get(), 1);
  assertEquals(clock.sleeping, 1, "the reading's own limit");
  await clock.advance(5_000);
  assertEquals(clock.sleeping, 0);
  assertEquals((latest.failure as PipelineError).code, "unavailable");
});

Deno.test("Latest without a value rejects, and gives the initial one where there is one", async () => {
  const { store, latest } = world();
  store.answer = refuse;
  await assertRejects(() => latest.get(), PipelineError);
  await assertRejects(() => latest.get(), PipelineError);
  assertEquals(store.reads, 2);
  const other = world({ initial: 0 });
  other.store.answer = refuse;
  assertEquals(await other.latest.get(), 0);
});

Deno.test("Latest.fresh() reads at each call, and its value is kept", async () => {
  const { store, latest } = world();
  assertEquals([await latest.fresh(), await latest.fresh(), await latest.get()], [1, 2, 2]);
  store.answer = refuse;
  await assertRejects(() => latest.fresh(), PipelineError);
  assertEquals(await latest.get(), 2);
});

Deno.test("Latest.forget() drops the value, and those whose reading has begun before", async () => {
  const { store, latest } = world();
  await latest.get();
  const held = Promise.withResolvers<void>();
  store.answer = () => held.promise;
  const before = latest.fresh();
  latest.forget();
  store.answer = () => Promise.resolve();
  assertEquals(await latest.get(), 3);
  held.resolve();
  assertEquals([await before, await latest.get()], [2, 3]);
});

import { faulty, MemoryStore, openMemory } from "@pipeline/adapters/testing";
import { offsetVector, PipelineError, type ServingStore, TOPICS } from "@pipeline/core";
import {
  foldedGenerations,
  type Manifest,
  readManifest,
  type VersionedManifest,
  writeFolded,
  writeManifest,
  writeReached,
  writeStopped,
} from "@pipeline/protocol";
import { emptyManifest, foldedTo } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import { dropOthers, giveUp, type SwitchOptions, switchTo } from "./switch.ts";

const POSTS = "reddit.posts";

/** Makes a generation with this horizon of the posts, and 0 for all other topics. */
async function made(
  store: ServingStore,
  generation: number,
  { state = "prepared", horizon = 0 }: { state?: Manifest["state"]; horizon?: number } = {},
): Promise<VersionedManifest> {
  await store.createGeneration(generation);
  const ends = offsetVector(1, (topic) => topic === POSTS ? horizon : 0);
  return await writeManifest(store, emptyManifest({ generation, state, horizon: ends }), 0);
}

/** Writes that speed has folded the posts this far, and all other topics to their end. */
async function folds(store: ServingStore, generation: number, posts: number): Promise<void> {
  await reaches(store, generation, posts);
  await writeFolded(
    store,
    generation,
    TOPICS.map((topic) => foldedTo(topic, 0, topic === POSTS ? posts : 0)),
  );
}

/** Writes that speed has folded the posts this far in memory, and written nothing of it. */
async function reaches(store: ServingStore, generation: number, posts: number): Promise<void> {
  await writeReached(
    store,
    generation,
    TOPICS.map((topic) => ({ topic, partition: 0, next_offset: topic === POSTS ? posts : 0 })),
  );
}

function options(store: ServingStore, more: Partial<Omit<SwitchOptions, "clock">> = {}) {
  const clock = new TestClock();
  return { store, clock, catchUpTimeout: 10_000, pollInterval: 1_000, ...more };
}

const stateOf = async (store: ServingStore, generation: number) =>
  (await readManifest(store, generation))?.manifest.state;

/** A served generation that is folded up to offset 5, and a prepared one that is folded up to 3. */
async function two() {
  const store = new MemoryStore();
  await made(store, 1, { state: "live" });
  await store.switchTo(1, undefined);
  await folds(store, 1, 5);
  return { store, prepared: await made(store, 2, { horizon: 3 }) };
}

Deno.test("switchTo() waits until speed has folded as far as into the served generation", async () => {
  const { store, prepared } = await two();
  const lags: number[] = [];
  const o = options(store, { onLag: (records) => lags.push(records) });
  const switching = switchTo(prepared, o);
  await folds(store, 2, 3);
  await o.clock.advance(2_000);
  assertEquals([await store.current(), lags.at(-1)], [1, 2]);
  await folds(store, 2, 5);
  assertEquals(await o.clock.run(switching), 1);
  assertEquals(await store.current(), 2);
  assertEquals([await stateOf(store, 1), await stateOf(store, 2)], ["previous", "live"]);
});

Deno.test("switchTo() waits for what speed has in memory, in both generations, not for the store", async () => {
  const { store, prepared } = await two();
  await folds(store, 2, 3);
  await reaches(store, 1, 9);
  const o = options(store);
  const switching = switchTo(prepared, o);
  await reaches(store, 2, 8);
  await o.clock.advance(2_000);
  assertEquals(await store.current(), 1);
  await reaches(store, 2, 9);
  await o.clock.run(switching);
  assertEquals(await store.current(), 2);
});

Deno.test("switchTo() follows a served generation that moves on at every look", async () => {
  const { store, prepared } = await two();
  await reaches(store, 2, 4);
  const o = options(store);
  const switching = switchTo(prepared, o);
  for (let at = 10; at <= 40; at += 10) {
    await reaches(store, 1, at);
    await o.clock.advance(1_000);
    // Behind what was reached at the last look, too.
    await reaches(store, 2, at - 1);
  }
  assertEquals(await store.current(), 1);
  await reaches(store, 1, 50);
  await reaches(store, 2, 49);
  await o.clock.run(switching);
  assertEquals(await store.current(), 2);
});

Deno.test("switchTo() waits for the horizon where nothing is served, and for partitions without a record", async () => {
  const store = new MemoryStore();
  const prepared = await made(store, 1);
  const o = options(store);
  const switching = switchTo(prepared, o);
  await o.clock.advance(2_000);
  assertEquals(await store.current(), undefined);
  await folds(store, 1, 0);
  assertEquals(await o.clock.run(switching), undefined);
  assertEquals(await store.current(), 1);
});

Deno.test("switchTo() gives up when speed does not catch up, and reports whether it has begun", async () => {
  for (
    const [begun, text] of [[false, "begun with none of its 3"], [
      true,
      "1 records are missing",
    ]] as const
  ) {
    const { store, prepared } = await two();
    if (begun) await folds(store, 2, 4);
    const o = options(store);
    const error = await o.clock.run(
      assertRejects(() => switchTo(prepared, o), PipelineError, text),
    );
    assertEquals([error.code, o.clock.monotonic()], ["unavailable", 10_000]);
    assertEquals(await store.current(), 1);
  }
});

Deno.test("switchTo() does not wait for a partition that speed cannot read", async () => {
  const { store, prepared } = await two();
  await folds(store, 2, 3);
  const why = "The batch at offset 3 is damaged";
  const stopped = { topic: POSTS, partition: 0, offset: 3, reason: "checksum" as const, why };
  await writeStopped(store, 2, { now: [stopped], before: [] });
  const error = await assertRejects(() => switchTo(prepared, options(store)), PipelineError, why);
  assertEquals(error.code, "corrupt");
});

Deno.test("switchTo() never replaces a newer generation, unless it is to go back", async () => {
  const { store } = await two();
  await store.switchTo(2, 1);
  await folds(store, 2, 5);
  const prepared = (await readManifest(store, 1))!;
  const error = await assertRejects(() => switchTo(prepared, options(store)), PipelineError);
  assertEquals([error.code, await store.current()], ["conflict", 2]);
  assertEquals(await switchTo(prepared, options(store, { back: true })), 2);
  assertEquals([await store.current(), await store.generations()], [1, [1, 2]]);
});

Deno.test("switchTo() takes a refusal for success only where the aliases name its generation", async () => {
  for (const lost of [true, false]) {
    const { store, prepared } = await two();
    await folds(store, 2, 5);
    const { store: unsure } = faulty({ ...openMemory(), store }, {
      step: (name, phase) =>
        name === "store.switchTo 2" && phase === (lost ? "after" : "before")
          ? Promise.reject(new PipelineError("conflict", "The aliases are not where they were"))
          : Promise.resolve(),
    });
    const switching = switchTo(prepared, options(unsure));
    if (lost) assertEquals(await switching, 1);
    else await assertRejects(() => switching, PipelineError, "not where they were");
    assertEquals(await store.current(), lost ? 2 : 1);
    assertEquals(await stateOf(store, 1), lost ? "previous" : "live");
  }
});

Deno.test("switchTo() ends with the lease, and when its signal is aborted", async () => {
  const { store, prepared } = await two();
  const lost = () => Promise.reject(new PipelineError("conflict", "Somebody took the lock"));
  const error = await assertRejects(
    () => switchTo(prepared, options(store, { onWait: lost })),
    PipelineError,
  );
  assertEquals(error.message, "Somebody took the lock");
  const stop = new AbortController();
  const switching = switchTo(prepared, options(store, { signal: stop.signal }));
  stop.abort();
  assertEquals((await assertRejects(() => switching, PipelineError)).code, "stopped");
  assertEquals(await store.current(), 1);
});

Deno.test("switchTo() settles what a rollback left live that died once it had moved the aliases", async () => {
  const { store, prepared } = await two();
  await writeManifest(store, { ...prepared.manifest, state: "live" }, prepared.version);
  // A repetition has nothing left to move.
  assertEquals(await switchTo((await readManifest(store, 1))!, options(store, { back: true })), 1);
  assertEquals([await stateOf(store, 1), await stateOf(store, 2)], ["live", "previous"]);
});

Deno.test("switchTo() drops generations older than the previous one", async () => {
  const { store } = await two();
  await store.switchTo(2, 1);
  // The fold of an older generation has continued a little longer.
  await reaches(store, 0, 1);
  await folds(store, 2, 5);
  const prepared = await made(store, 3);
  await made(store, 4, { state: "building" });
  await folds(store, 3, 5);
  assertEquals(await switchTo(prepared, options(store)), 2);
  assertEquals([await stateOf(store, 3), await stateOf(store, 2)], ["live", "previous"]);
  assertEquals([await store.generations(), await foldedGenerations(store)], [[2, 3, 4], [2, 3]]);
  assertEquals(await stateOf(store, 1), undefined);
});

Deno.test("dropOthers() leaves generations newer than all kept ones: they are being built", async () => {
  const store = new MemoryStore();
  for (const generation of [1, 2, 3, 4]) await made(store, generation);
  await dropOthers(store, [3, 2]);
  assertEquals(await store.generations(), [2, 3, 4]);
  assertEquals(await readManifest(store, 1), undefined);
});

Deno.test("giveUp() records a generation's state, unless it is served or the store does not answer", async () => {
  const { store } = await two();
  const o = options(store);
  await giveUp(2, "failed", o);
  assertEquals(await stateOf(store, 2), "failed");
  await giveUp(1, "failed", o);
  assertEquals(await stateOf(store, 1), "live");
  await store.close();
  await giveUp(2, "previous", o);
});

import { MemoryStore } from "@pipeline/adapters/testing";
import { DEFAULT_SETTINGS, PipelineError, type ServingStore, TOPICS } from "@pipeline/core";
import { type Manifest, readManifest, writeFolded, writeManifest } from "@pipeline/protocol";
import { emptyManifest, foldedTo } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import type { BatchSettings } from "./config.ts";
import { lockBatch } from "./lock.ts";
import { rollBack } from "./roll_back.ts";

const LEASE = 60_000;

function settings(): BatchSettings {
  return {
    views: DEFAULT_SETTINGS,
    partitions: 1,
    keep: 10,
    retention: { minutes: 0, hours: 0, days: 0 },
    catchUpTimeout: 10_000,
    pollInterval: 1_000,
    lockLease: LEASE,
  };
}

/** Generation 2 is served, 1 has the given state, and speed has folded both so far. */
async function opened(state: Manifest["state"], folded: readonly [number, number]) {
  const store = new MemoryStore();
  for (const [i, generation] of [1, 2].entries()) {
    await store.createGeneration(generation);
    const manifest = emptyManifest({ generation, state: generation === 1 ? state : "live" });
    await writeManifest(store, manifest, 0);
    await writeFolded(
      store,
      generation,
      TOPICS.map((topic) => foldedTo(topic, 0, folded[i]!)),
    );
  }
  await store.switchTo(2, undefined);
  return { store, clock: new TestClock() };
}

const stateOf = async (store: ServingStore, generation: number) =>
  (await readManifest(store, generation))?.manifest.state;

/** Checks that the lock is free. */
async function assertUnlocked(store: ServingStore, clock: TestClock): Promise<void> {
  await lockBatch(store, "somebody else", { lease: LEASE, clock });
}

Deno.test("rollBack() returns to a kept generation, also after a rollback that broke off", async () => {
  for (const state of ["previous", "prepared", "live"] as const) {
    const { store, clock } = await opened(state, [5, 5]);
    await clock.run(rollBack(1, { store, clock, settings: settings() }));
    assertEquals(await store.current(), 1, state);
    assertEquals([await stateOf(store, 1), await stateOf(store, 2)], ["live", "previous"]);
    await assertUnlocked(store, clock);
  }
});

Deno.test("rollBack() to the generation that serves drops nothing that one could go back to", async () => {
  const { store, clock } = await opened("previous", [5, 5]);
  await clock.run(rollBack(2, { store, clock, settings: settings() }));
  assertEquals([await store.current(), await store.generations()], [2, [1, 2]]);
  assertEquals([await stateOf(store, 1), await stateOf(store, 2)], ["previous", "live"]);
});

Deno.test("rollBack() refuses an incomplete generation, and releases the lock", async () => {
  for (const state of ["building", "failed"] as const) {
    const { store, clock } = await opened(state, [5, 5]);
    for (const generation of [1, 9]) {
      const error = await assertRejects(
        () => rollBack(generation, { store, clock, settings: settings() }),
        PipelineError,
      );
      assertEquals([error.code, await store.current()], ["not_found", 2]);
      await assertUnlocked(store, clock);
      await store.removeControls(["lock/batch"]);
    }
  }
});

Deno.test("rollBack() leaves a generation that speed does not follow unchanged, so that it can be repeated", async () => {
  const { store, clock } = await opened("previous", [4, 5]);
  const error = await clock.run(assertRejects(
    () => rollBack(1, { store, clock, settings: settings() }),
    PipelineError,
  ));
  assertEquals(error.code, "unavailable");
  assertEquals([await store.current(), await stateOf(store, 1)], [2, "previous"]);
  await assertUnlocked(store, clock);
});

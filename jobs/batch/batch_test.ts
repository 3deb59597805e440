import { faulty, type MemoryPorts, openMemory, type Step } from "@pipeline/adapters/testing";
import { DAY, DEFAULT_SETTINGS, eachOffset, PipelineError } from "@pipeline/core";
import { readManifest, readManifests, writeFolded } from "@pipeline/protocol";
import { foldedTo } from "@pipeline/protocol/testing";
import { createLogger, TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import { type BatchOptions, runBatch } from "./batch.ts";
import type { BatchSettings } from "./config.ts";
import { type DayTask, foldDay } from "./day.ts";
import { lockBatch } from "./lock.ts";
import { storedGenerations } from "./state.ts";
import { commitRecords, post, START } from "./testing/dataset.ts";

const LEASE = 60_000;

function settings(more: { partitions?: number; keep?: number } = {}): BatchSettings {
  return {
    views: DEFAULT_SETTINGS,
    partitions: 1,
    keep: 10,
    retention: { minutes: 0, hours: 0, days: 0 },
    catchUpTimeout: 10_000,
    pollInterval: 1_000,
    lockLease: LEASE,
    ...more,
  };
}

/** Batch on ports in memory, where speed catches up at once with any prepared generation. */
class World {
  readonly ports: MemoryPorts = openMemory();
  readonly clock = new TestClock();
  readonly lines: string[] = [];

  async run(
    options: Partial<BatchOptions> = {},
    step: Step = () => Promise.resolve(),
  ) {
    const { clock } = this;
    const logger = createLogger({ clock, sink: (line) => void this.lines.push(line) });
    const ports = faulty(this.ports, {
      step: async (name, phase) => {
        if (name === "store.current" && phase === "before") await this.#follow();
        await step(name, phase);
      },
    });
    return await clock.run(runBatch({ ...ports, settings: settings(), clock, logger, ...options }));
  }

  async #follow(): Promise<void> {
    const { store } = this.ports;
    for (const { manifest: { generation, state, horizon } } of await readManifests(store)) {
      if (state !== "prepared") continue;
      await writeFolded(
        store,
        generation,
        [...eachOffset(horizon)].map(({ topic, partition, offset }) =>
          foldedTo(topic, partition, offset)
        ),
      );
    }
  }

  async stateOf(generation: number) {
    return (await readManifest(this.ports.store, generation))?.manifest.state;
  }
}

/** Fails before steps whose name has this prefix. */
const failing = (name: string): Step => (at, phase) =>
  phase === "before" && at.startsWith(name)
    ? Promise.reject(new PipelineError("invalid", `No ${name}`))
    : Promise.resolve();

for (
  const step of [
    "dataset.list /data/_commits",
    "dataset.write /data/_state",
    "store.createGeneration 2",
    "store.write 2",
    "store.seal 2",
    "store.switchTo 2",
  ]
) {
  Deno.test(`runBatch() leaves the old generation serving, and no lock, where ${step} fails`, async () => {
    const world = new World();
    await commitRecords(world.ports.dataset, 0, [post("p0", START)]);
    await world.run();
    await commitRecords(world.ports.dataset, 1, [post("p1", START)]);
    await assertRejects(() => world.run({}, failing(step)), PipelineError, `No ${step}`);
    assertEquals([await world.ports.store.current(), await world.stateOf(2)], [1, "failed"]);
    await lockBatch(world.ports.store, "another", { lease: LEASE, clock: world.clock });
    await world.ports.store.removeControls(["lock/batch"]);
    // The next run has a new number, and removes the remains.
    assertEquals((await world.run()).generation, 3);
    assertEquals(await world.ports.store.generations(), [1, 3]);
  });
}

Deno.test("runBatch() takes away what earlier runs left before it builds, whatever comes of it", async () => {
  const world = new World();
  await world.run();
  await assertRejects(() => world.run({}, failing("store.seal 2")), PipelineError);
  assertEquals(await world.ports.store.generations(), [1, 2]);
  await assertRejects(() => world.run({}, failing("dataset.list /data/_commits")), PipelineError);
  assertEquals([await world.ports.store.generations(), await world.stateOf(2)], [[1], undefined]);
});

Deno.test("runBatch() has switched if only a step after the switch fails, and reports it", async () => {
  const world = new World();
  await commitRecords(world.ports.dataset, 0, [post("p0", START)]);
  await world.run();
  const { generation } = await world.run({}, failing("dataset.remove /data/_state/manifests"));
  const report = await world.run({}, failing("dataset.remove /data/_state/manifests"));
  assertEquals([generation, report.generation, report.previous], [2, 3, 2]);
  const warned = world.lines.filter((line) =>
    line.includes("The clean-up after the switch failed")
  );
  assertEquals(warned.length, 1);
  assertEquals(await storedGenerations(world.ports.dataset), [1, 2, 3]);
});

Deno.test("runBatch() takes a number that no store, state or manifest has", async () => {
  const world = new World();
  await world.ports.dataset.write("/data/_state/manifests/000007", new Uint8Array(1));
  const full = { full: true };
  assertEquals((await world.run(full)).generation, 8);
  await world.ports.store.createGeneration(9);
  assertEquals((await world.run()).generation, 10);
});

Deno.test("runBatch() builds upon no state of another number of partitions", async () => {
  const world = new World();
  await commitRecords(world.ports.dataset, 0, [post("p0", START)]);
  await world.run();
  assertEquals((await world.run()).records, 0);
  assertEquals((await world.run({ settings: settings({ partitions: 2 }) })).records, 1);
});

Deno.test("runBatch() gives a pool all days at once, the largest first, each with its base state", async () => {
  const world = new World();
  const { dataset } = world.ports;
  await commitRecords(dataset, 0, [post("p0", START)]);
  await world.run();
  await commitRecords(dataset, 1, [
    post("p1", START),
    ...["a", "b", "c"].map((id) => post(id, START + 2 * DAY)),
    ...["d", "e"].map((id) => post(id, START + DAY)),
  ]);
  const tasks: DayTask[] = [];
  const all = Promise.withResolvers<void>();
  const told: number[] = [];
  await world.run({
    foldDay: async (task) => {
      tasks.push(task);
      if (tasks.length === 3) all.resolve();
      await all.promise;
      return await foldDay(dataset, task);
    },
    onProgress: (step, done) => step === "fold" && told.push(done),
  });
  const shown = tasks.map(({ day, base }) => [(day - START) / DAY, base?.records]);
  assertEquals(shown, [[2, undefined], [1, undefined], [0, 1]]);
  assertEquals([told[0], told.at(-1)], [0, 6]);
});

Deno.test("runBatch() ends without a new generation when stopped while it waits for speed", async () => {
  const world = new World();
  await world.run();
  const stop = new AbortController();
  // Speed is behind: the horizon of the second generation was never folded.
  await commitRecords(world.ports.dataset, 0, [post("p0", START)]);
  const { ports: { store }, clock } = world;
  const options = { ...world.ports, settings: settings(), clock, signal: stop.signal };
  const run = runBatch(options);
  await clock.advance(2_500);
  assertEquals(await world.stateOf(2), "prepared");
  stop.abort();
  assertEquals((await assertRejects(() => run, PipelineError)).code, "stopped");
  assertEquals([await store.current(), await world.stateOf(2)], [1, "failed"]);
});

import { assert, assertEquals, assertGreater } from "@std/assert";
import { runBatch } from "@pipeline/batch";
import { openMemory } from "@pipeline/adapters/testing";
import { encodeRecord, type ServingStore, TOPICS } from "@pipeline/core";
import { readFolded, readManifest, writeManifest } from "@pipeline/protocol";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { sumOf } from "../faults/_process.ts";
import { post, SETTINGS, START, World } from "../layers/_world.ts";
import { eventually } from "../support/eventually.ts";
import { type Running, start } from "./_job.ts";

async function counted(speed: Running, records: number): Promise<number> {
  return await eventually(async () => {
    const text = await speed.metrics();
    assertEquals(sumOf(text, "speed_records_total", {}), records);
    return sumOf(text, "speed_documents_total", {});
  });
}

Deno.test("speed counts the documents of a generation that it catches up with, as it does its records", async () => {
  const folder = await Deno.makeTempDir();
  const ports = openMemory();
  const { log } = ports;
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const producer = await log.producer();
  await producer.send(["p1", "p2"].map((id) => ({
    topic: "reddit.posts",
    key: id,
    value: new TextEncoder().encode(encodeRecord(post(id, START))),
  })));
  await producer.close();
  const settings = { partitions: 1, flushInterval: "10ms", pollInterval: "10ms" };
  const speed = start(folder, "speed", speedConfig, settings, (job) => runSpeed(ports, job));
  try {
    // Nothing is in the dataset: each generation's horizon is the log's beginning.
    await runBatch({ ...ports, settings: SETTINGS });
    const documents = await counted(speed, 2);
    assertGreater(documents, 0);
    await runBatch({ ...ports, settings: SETTINGS });
    assertEquals(await counted(speed, 4), 2 * documents);
  } finally {
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
});

/** A store that takes no documents of one generation while its gate is closed. */
function gated(store: ServingStore, generation: number) {
  let open = Promise.withResolvers<void>();
  open.resolve();
  const gate = { close: () => void (open = Promise.withResolvers()), open: () => open.resolve() };
  const write: ServingStore["write"] = async (into, ...what) => {
    if (into === generation) await open.promise;
    await store.write(into, ...what);
  };
  const proxy = new Proxy(store, {
    get: (target, name: keyof ServingStore) => name === "write" ? write : target[name].bind(target),
  });
  return { gate, store: proxy };
}

/** Two generations are folded; one of them is served, and one of them goes no further. */
async function lagWhere(served: number, standing: number) {
  const folder = await Deno.makeTempDir();
  const world = new World();
  const { store, gate } = gated(world.ports.store, standing);
  const settings = { partitions: 1, flushInterval: "10ms", pollInterval: "10ms", maxUnflushed: 1 };
  const ports = { log: world.ports.log, store };
  await world.commit([post("p1", START)]);
  const speed = start(folder, "speed", speedConfig, settings, (job) => runSpeed(ports, job));
  try {
    await runBatch({ ...world.ports, settings: SETTINGS });
    await runBatch({ ...world.ports, settings: SETTINGS });
    if (served === 1) await store.switchTo(1, 2);
    // As in the midst of a rollback: the other one is folded for the switch that may come.
    const other = 3 - served;
    const { manifest, version } = (await readManifest(store, other))!;
    await writeManifest(store, { ...manifest, state: "prepared" }, version);
    const folds = (generation: number, end: number) =>
      eventually(async () => {
        const folded = await readFolded(store, generation);
        const there = folded.some((f) => f.topic === "reddit.posts" && f.next_offset === end);
        assert(there, `Generation ${generation} was not folded to ${end}`);
      });
    await Promise.all([folds(1, 1), folds(2, 1)]);
    const seen = async () =>
      sumOf(await speed.metrics(), "speed_visible_latency_seconds_count", {});
    const before = await seen();
    gate.close();
    await world.commit([post("p2", START + 1)]);
    await world.commit([post("p3", START + 2)]);
    await folds(3 - standing, 3);
    // The lag is looked at every five seconds.
    return await eventually(async () => {
      const text = await speed.metrics();
      const labels = { topic: "reddit.posts" };
      const lag = sumOf(text, "log_lag_records", labels);
      assertEquals(lag + sumOf(text, "log_position_offset", labels), 3);
      return { lag, measured: await seen() > before };
    });
  } finally {
    gate.open();
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("speed reports lag and latency of the generation that the aliases name, older or newer", async () => {
  const cases = [[1, 1], [1, 2], [2, 1], [2, 2]] as const;
  const found = await Promise.all(cases.map(([served, standing]) => lagWhere(served, standing)));
  for (const [i, [served, standing]] of cases.entries()) {
    const what = `${served} is served, ${standing} stands still`;
    assertEquals(found[i]!.lag > 0, served === standing, what);
    assertEquals(found[i]!.measured, served !== standing, what);
  }
});

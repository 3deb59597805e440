import { assert, assertEquals, assertRejects } from "@std/assert";
import { runBatch } from "@pipeline/batch";
import { faulty, openMemory, withSubscribe } from "@pipeline/adapters/testing";
import { encodeRecord, type EventLog, TOPICS } from "@pipeline/core";
import { foldIdentity, readFolded, readManifest, writeManifest } from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { sumOf } from "../faults/_process.ts";
import { post, SETTINGS, START, World } from "../layers/_world.ts";
import { freePort } from "../support/demo.ts";
import { eventually } from "../support/eventually.ts";
import { type Running, start } from "./_job.ts";

const SETTINGS_OF_SPEED = {
  partitions: 1,
  flushInterval: "10ms",
  pollInterval: "10ms",
  parts: { host: "127.0.0.1", port: 0 },
};

/** Waits until speed has counted this many records and documents. */
async function counted(speed: Running, records: number, documents: number): Promise<void> {
  await eventually(async () => {
    const text = await speed.metrics();
    assertEquals(sumOf(text, "speed_records_total", {}), records);
    assertEquals(sumOf(text, "speed_documents_total", {}), documents);
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
  const speed = start(
    folder,
    "speed",
    speedConfig,
    SETTINGS_OF_SPEED,
    (job) => runSpeed(ports, job),
  );
  try {
    // Nothing is in the dataset: each generation's horizon is the log's beginning.
    await runBatch({ ...ports, settings: SETTINGS });
    // Two posts, a subreddit with three windows, the author's day and totals.
    await counted(speed, 2, 8);
    await runBatch({ ...ports, settings: SETTINGS });
    await counted(speed, 4, 16);
  } finally {
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
});

/** A log that gives one generation nothing while its gate is closed. */
function gated(log: EventLog, generation: number) {
  let open = Promise.withResolvers<void>();
  open.resolve();
  const gate = { close: () => void (open = Promise.withResolvers()), open: () => open.resolve() };
  const gated = withSubscribe(log, (subscription) =>
    log.subscribe(
      subscription.group !== `speed-${generation}` ? subscription : {
        ...subscription,
        batch: async (batch) => {
          await open.promise;
          await subscription.batch(batch);
        },
      },
    ));
  return { gate, log: gated };
}

/** Two generations are folded; one of them is served, and one of them goes no further. */
async function lagWhere(served: number, standing: number) {
  const folder = await Deno.makeTempDir();
  const world = new World();
  const { store } = world.ports;
  const { log, gate } = gated(world.ports.log, standing);
  const ports = { log, store };
  await world.commit([post("p1", START)]);
  const speed = start(
    folder,
    "speed",
    speedConfig,
    SETTINGS_OF_SPEED,
    (job) => runSpeed(ports, job),
  );
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

Deno.test("speed answers from memory at its port until it has written all, and counts the answers", async () => {
  const folder = await Deno.makeTempDir();
  const world = new World();
  const port = freePort();
  const settings = {
    ...SETTINGS_OF_SPEED,
    // Nothing is written but at the start and at the end.
    flushInterval: "1h",
    parts: { host: "127.0.0.1", port },
  };
  const speed = start(folder, "speed", speedConfig, settings, (job) => runSpeed(world.ports, job));
  const ask = async (generation: number) => {
    const found = await readManifest(world.ports.store, generation);
    const identity = found === undefined ? "" : foldIdentity(found.manifest);
    const questions = [{ view: "top_posts", query: { type: "post", order: "rank", limit: 10 } }];
    const body = JSON.stringify({ generation, identity, questions });
    return await fetch(`http://127.0.0.1:${port}/v1/parts`, { method: "POST", body });
  };
  try {
    await world.commit([post("p1", START)]);
    const { generation } = await runBatch({ ...world.ports, settings: SETTINGS });
    await world.commit([post("p2", START + 1)]);
    await eventually(async () => {
      const { parts } = await (await ask(generation)).json();
      const posts = parts.find(({ topic }: { topic: string }) => topic === "reddit.posts");
      assertEquals([posts.next_offset, posts.answers[0][0]?.post_id], [2, "p2"]);
    });
    const refused = await ask(generation + 1);
    assertEquals([refused.status, (await refused.json()).generations], [409, [generation]]);
    const text = await speed.metrics();
    assert(sumOf(text, "speed_parts_requests_total", { status: "200" }) > 0);
    assertEquals(sumOf(text, "speed_parts_requests_total", { status: "409" }), 1);
    assert(sumOf(text, "speed_copy_age_seconds", {}) > 0);
  } finally {
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
  const folded = await readFolded(world.ports.store, (await world.ports.store.current())!);
  assertEquals(folded.find(({ topic }) => topic === "reddit.posts")?.next_offset, 2);
  await assertRejects(() => ask(1), TypeError);
});

Deno.test("a standby counts what it folds, says nothing of a copy, and writes not even latencies", async () => {
  const folder = await Deno.makeTempDir();
  const world = new World();
  const changes: string[] = [];
  const ports = faulty(world.ports, {
    step: (name) => {
      if (/^store\.(write|put|refresh|remove)/.test(name)) changes.push(name);
      return Promise.resolve();
    },
  });
  await world.commit([post("p1", START)]);
  const settings = { ...SETTINGS_OF_SPEED, standby: true };
  const speed = start(folder, "speed", speedConfig, settings, (job) => runSpeed(ports, job));
  try {
    const { store } = world.ports;
    await store.createGeneration(1);
    await writeManifest(store, emptyManifest({ generation: 1, state: "live" }), 0);
    await store.switchTo(1, undefined);
    await eventually(async () => {
      assertEquals(sumOf(await speed.metrics(), "speed_records_total", {}), 1);
    });
    const text = await speed.metrics();
    assertEquals(sumOf(text, "speed_documents_total", {}), 0);
    assertEquals(sumOf(text, "speed_visible_latency_seconds_count", {}), 0);
    assert(!text.includes("speed_copy_age_seconds"), text);
  } finally {
    // Latencies would be written once more at the end.
    await speed.end();
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(changes, []);
});

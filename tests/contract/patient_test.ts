import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { faulty, openMemory, type Ports } from "@pipeline/adapters/testing";
import { writeManifest, writeOwn } from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { hasCode, PipelineError, TOPICS, VIEWS } from "@pipeline/core";
import { eventLogSuite } from "./event_log_suite.ts";
import { masterDatasetSuite } from "./master_dataset_suite.ts";
import { servingStoreSuite } from "./serving_store_suite.ts";
import { patient, type RetryNotice, TestClock } from "@pipeline/runtime";

eventLogSuite("patient", () => {
  const { log } = openMemory();
  return Promise.resolve({
    port: patient({ log }).log,
    truncate: (topic, partition, earliest) =>
      Promise.resolve(log.truncate(topic, partition, earliest)),
    cleanup: () => log.close(),
  });
}, {
  maxRecordBytes: 1_048_576,
  groups: true,
  truncation: true,
  durable: { without: "memory ends with its process" },
});

masterDatasetSuite("patient", () => {
  const { dataset } = patient(openMemory());
  return Promise.resolve({ port: dataset, folder: "", cleanup: () => dataset.close() });
});

servingStoreSuite("patient", () => {
  const { store } = patient(openMemory());
  return Promise.resolve({ port: store, cleanup: () => store.close() });
});

const away = () => new PipelineError("unavailable", "This server is not the leader");

/** Ports of which every call fails a number of times before its effect, and after it. */
function flaky(ports: Ports, { before = 0, after = 0 }): Ports & { readonly calls: string[] } {
  const seen = new Map<string, number>();
  const calls: string[] = [];
  const wrapped = faulty(ports, {
    step: (name, phase) => {
      if (phase === "before") calls.push(name);
      const key = `${name} ${phase}`;
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      const most = phase === "before" ? before : after;
      return count <= most ? Promise.reject(away()) : Promise.resolve();
    },
  });
  const { log, dataset, store } = wrapped;
  return { log, dataset, store, calls };
}

const QUICK = { policy: { base: 0, max: 0 } };
const bytes = (text: string) => new TextEncoder().encode(text);
const text = async (chunks: AsyncIterable<Uint8Array>) =>
  await new Response(ReadableStream.from(chunks)).text();

async function filled(): Promise<ReturnType<typeof openMemory>> {
  const ports = openMemory();
  await ports.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 1 })));
  const producer = await ports.log.producer();
  const records = Array.from({ length: 25 }, (_, i) => ({
    topic: "reddit.posts",
    key: "k",
    value: bytes(String(i)),
  }));
  for (const record of records) await producer.send([record]);
  await ports.dataset.write("/file", bytes("what was written"));
  await ports.dataset.mkdirs("/folder");
  for (const generation of [1, 2]) await ports.store.createGeneration(generation);
  await ports.store.switchTo(1, undefined);
  return ports;
}

/** Every call of every port but those that are never repeated. */
const CALLS: readonly (readonly [string, (ports: Ports) => Promise<unknown>])[] = [
  ["log.ensureTopics", ({ log }) => log.ensureTopics([{ topic: "reddit.posts", partitions: 1 }])],
  ["log.ranges", ({ log }) => log.ranges("reddit.posts")],
  ["log.marks", ({ log }) => log.marks("g", "reddit.posts")],
  ["log.producer", ({ log }) => log.producer()],
  ["log.subscribe", async ({ log }) => {
    const consumer = await log.subscribe({
      group: "g",
      topics: [],
      start: () => Promise.resolve(0),
      batch: () => Promise.resolve(),
    });
    await consumer.stop();
  }],
  ["log.read", ({ log }) => Array.fromAsync(log.read("reddit.posts", 0, 0, 25))],
  ["dataset.read", ({ dataset }) => text(dataset.read("/file"))],
  ["dataset.status", ({ dataset }) => dataset.status("/file")],
  ["dataset.copies", ({ dataset }) => dataset.copies("/file")],
  ["dataset.list", ({ dataset }) => dataset.list("/")],
  ["dataset.mkdirs", ({ dataset }) => dataset.mkdirs("/a/b")],
  ["dataset.remove", ({ dataset }) => dataset.remove("/folder")],
  ["writeOwn", ({ dataset }) => writeOwn(dataset, "/own", bytes("own"))],
  ["store.createGeneration", ({ store }) => store.createGeneration(3)],
  ["store.write", ({ store }) => store.write(1, "top_posts", [])],
  ["store.refresh", ({ store }) => store.refresh(1)],
  ["store.putWatermarks", ({ store }) => store.putWatermarks(1, [])],
  ["store.watermarks", ({ store }) => store.watermarks(1)],
  ["store.seal", ({ store }) => store.seal(1)],
  ["store.get", ({ store }) => store.get(1, "top_posts", ["x"])],
  ["store.search", ({ store }) => store.search(1, "top_posts", { order: "id", limit: 1 })],
  ["store.count", ({ store }) => store.count(1, "top_posts")],
  ["store.current", ({ store }) => store.current()],
  ["store.generations", ({ store }) => store.generations()],
  ["store.dropGeneration", ({ store }) => store.dropGeneration(2)],
  ["store.control", ({ store }) => store.control("x")],
  ["store.controls", ({ store }) => store.controls("x")],
  ["store.putControls", ({ store }) => store.putControls([{ id: "y", version: 1, body: 1 }])],
  ["store.removeControls", ({ store }) => store.removeControls(["y"])],
  ["writeManifest", ({ store }) => writeManifest(store, emptyManifest({ generation: 7 }), 0)],
];

/** Without the moments at which things were made. */
function lasting(value: unknown): unknown {
  const moments = new Set(["modified", "timestamp"]);
  return JSON.stringify(value, (key, member) => moments.has(key) ? undefined : member);
}

for (const [name, call] of CALLS) {
  Deno.test(`patient() waits until ${name} succeeds, before its effect and after it`, async () => {
    const expected = await call(patient(await filled(), QUICK)).catch((error) => error);
    for (const faults of [{ before: 3 }, { after: 3 }, { before: 2, after: 2 }]) {
      const ports = flaky(await filled(), faults);
      await assertRejects(() => call(ports), PipelineError, "not the leader");
      const found = await call(patient(ports, QUICK)).catch((error) => error);
      if (name === "log.producer" || name === "log.subscribe") assert(!(found instanceof Error));
      else assertEquals(lasting(found), lasting(expected), `${name} ${JSON.stringify(faults)}`);
    }
  });
}

Deno.test("patient() has every method of every port", async () => {
  const ports = await filled();
  const wrapped = patient(ports, QUICK);
  for (const name of ["log", "dataset", "store"] as const) {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(ports[name]));
    const offered = Object.keys(flaky(ports, {})[name]);
    for (const method of offered) assert(methods.includes(method) && method in wrapped[name]);
  }
});

Deno.test("read() resumes where it broke off, and repeats nothing", async () => {
  const ports = await filled();
  let broken = 0;
  const log = {
    ...flaky(ports, {}).log,
    async *read(topic: string, partition: number, from: number, to: number) {
      let left = 4;
      for (let at = from; at < to; at += 2) {
        if (left-- === 0) {
          broken++;
          throw away();
        }
        yield* ports.log.read(topic, partition, at, Math.min(to, at + 2));
      }
    },
  };
  const read = patient({ log }, QUICK).log.read("reddit.posts", 0, 0, 25);
  const offsets = (await Array.fromAsync(read)).flatMap(({ records }) => records)
    .map(({ offset }) => offset);
  assertEquals(offsets, Array.from({ length: 25 }, (_, i) => i));
  assert(broken > 1);
  const dataset = {
    ...flaky(ports, {}).dataset,
    async *read(path: string) {
      let left = 5;
      for await (const chunk of ports.dataset.read(path)) {
        for (const byte of chunk) {
          if (left-- === 0) throw away();
          yield Uint8Array.of(byte);
        }
      }
    },
  };
  // Each try gets no further than the one before: what was read already is not read anew for ever.
  const chunks: Uint8Array[] = [];
  const cut = patient({ dataset }, { policy: { base: 0, max: 0, attempts: 3 } }).dataset;
  await assertRejects(async () => {
    for await (const chunk of cut.read("/file")) chunks.push(chunk);
  }, PipelineError);
  assertEquals(new TextDecoder().decode(await new Blob(chunks as BlobPart[]).bytes()), "what ");
});

Deno.test("patient() throws permanent errors at once", async () => {
  const ports = flaky(await filled(), {});
  const { log, dataset } = patient(ports, QUICK);
  await assertRejects(() => log.ranges("nobody's"), PipelineError);
  const error = await assertRejects(() => dataset.rename("/none", "/there"));
  assert(hasCode(error, "not_found"));
  assertEquals(ports.calls, ["log.ranges nobody's", "dataset.rename /none /there"]);
});

Deno.test("patient() sends nothing twice", async () => {
  const ports = flaky(await filled(), { after: 1 });
  const producer = await patient(ports, QUICK).log.producer();
  const record = { topic: "reddit.users", key: "k", value: bytes("x") };
  await assertRejects(() => producer.send([record]), PipelineError);
  assertEquals(ports.calls.filter((call) => call === "log.send").length, 1);
});

Deno.test("search() is whole, however long a part of the store is away", async () => {
  const ports = await filled();
  let left = 3;
  const { store } = faulty(ports, {
    step: () => Promise.resolve(),
    partialSearch: () => left-- > 0,
  });
  const page = await patient({ store }, QUICK).store.search(1, VIEWS[0], { order: "id", limit: 1 });
  assertEquals([page.complete, left], [true, -1]);
});

Deno.test("patient() ends its waits when the signal is aborted, and retries a few times even then", async () => {
  const ports = await filled();
  const clock = new TestClock();
  const stop = new AbortController();
  const notices: RetryNotice[] = [];
  const { signal } = stop;
  const options = { clock, signal, onRetry: (notice: RetryNotice) => notices.push(notice) };
  const waiting = patient(flaky(ports, { before: 100 }), options).store.current();
  const ended = assertRejects(() => waiting, PipelineError);
  await clock.advance(60_000);
  assert(notices.length > 5);
  stop.abort();
  assertEquals((await ended).code, "stopped");
  // What is called to end well survives a moment's trouble, and waits for no dead server.
  const later = patient(flaky(ports, { before: 2 }), options);
  assertEquals(await clock.run(later.store.current()), 1);
  const dead = patient(flaky(ports, { before: 100 }), options).store.current();
  const began = clock.monotonic();
  await assertRejects(() => clock.run(dead), PipelineError, "not the leader");
  assert(clock.monotonic() - began < 5_000);
});

Deno.test("patient() reports a call without an answer, ever more rarely", async () => {
  const ports = await filled();
  const answer = Promise.withResolvers<void>();
  const store = {
    ...flaky(ports, {}).store,
    seal: () => answer.promise,
  };
  const told: string[] = [];
  const enough = Promise.withResolvers<void>();
  const slow = patient({ store }, {
    slowAfter: 5,
    onSlow: (what, waited) => {
      told.push(`${what} ${waited}`);
      if (told.length === 3) enough.resolve();
    },
  }).store;
  // Of many alike, one speaks for all.
  const calls = [slow.seal(2), ...[3, 4, 5].map((generation) => slow.seal(generation))];
  await enough.promise;
  answer.resolve();
  await Promise.all(calls);
  assertEquals(told, [5, 10, 20].map((ms) => `Replicating generation 2 ${ms}`));
  assertStringIncludes(told[0]!, "generation 2");
});

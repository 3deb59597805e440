import { assert, assertEquals, assertRejects } from "@std/assert";
import { hasCode, type LogBatch, PipelineError } from "@pipeline/core";
import { faulty, openMemory, SimulatedCrash, type Step } from "./mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A hook that acts once, at the n-th step whose name and phase match. */
function at(name: string, phase: "before" | "after", act: () => void | Promise<void>): Step {
  let done = false;
  return async (step, side) => {
    if (done || side !== phase || !step.startsWith(name)) return;
    done = true;
    await act();
  };
}

const crash = () => {
  throw new SimulatedCrash();
};
const fail = () => {
  throw new PipelineError("unavailable", "no answer");
};

async function memory() {
  const ports = openMemory({ clock: () => 1 });
  await ports.log.ensureTopics([{ topic: "t", partitions: 1 }]);
  await ports.store.createGeneration(1);
  return ports;
}

async function code(work: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => work, PipelineError);
  return error.code;
}

Deno.test("faulty() has no effect when the crash comes before the step", async () => {
  const ports = await memory();
  const job = faulty(ports, { step: at("dataset.mkdirs", "before", crash) });
  assertEquals(await code(job.dataset.mkdirs("/a")), "stopped");
  assert(job.crashed);
  assertEquals(await ports.dataset.status("/a"), undefined);
  assertEquals(await code(job.store.current()), "stopped");
  assertEquals(await code(job.log.ranges("t")), "stopped");
});

Deno.test("faulty() keeps the effect when the answer is lost", async () => {
  const ports = await memory();
  const job = faulty(ports, { step: at("dataset.rename", "after", fail) });
  await job.dataset.write("/a", bytes("x"));
  assertEquals(await code(job.dataset.rename("/a", "/b")), "unavailable");
  assert(!job.crashed);
  assertEquals((await job.dataset.status("/b"))?.length, 1);
});

Deno.test("faulty() leaves a part of a file when the write breaks off", async () => {
  const ports = await memory();
  const job = faulty(ports, { step: at("dataset.writePart", "after", crash) });
  assertEquals(await code(job.dataset.write("/a", bytes("1234"))), "stopped");
  assertEquals((await ports.dataset.status("/a"))?.length, 2);
});

Deno.test("faulty() applies a part of a write and of a send when it is chunked", async () => {
  const ports = await memory();
  let writes = 0;
  const step: Step = (name, phase) => {
    if (phase === "before" && name.startsWith("log.send") && ++writes === 2) crash();
    return Promise.resolve();
  };
  const job = faulty(ports, { step, chunk: 1 });
  const producer = await job.log.producer();
  const records = ["a", "b"].map((key) => ({ topic: "t", key, value: null }));
  assertEquals(await code(producer.send(records)), "stopped");
  assertEquals(await ports.log.ranges("t"), [{ partition: 0, earliest: 0, end: 1 }]);
});

Deno.test("faulty() breaks a read off as corrupt and marks a search as partial", async () => {
  const ports = await memory();
  await ports.dataset.write("/a", bytes("12345678"));
  const job = faulty(ports, {
    step: () => Promise.resolve(),
    truncateRead: () => 3,
    partialSearch: () => true,
  });
  let read = 0;
  const error = await assertRejects(async () => {
    for await (const chunk of job.dataset.read("/a")) read += chunk.length;
  });
  assert(hasCode(error, "corrupt"));
  assertEquals(read, 3);
  assertEquals(await job.store.search(1, "top_posts", { order: "id", limit: 1 }), {
    documents: [],
    complete: false,
  });
});

Deno.test("faulty() ends a consumer whose batch never ends, and frees its partitions", async () => {
  const ports = await memory();
  await (await ports.log.producer()).send([{ topic: "t", key: "k", value: bytes("1") }]);
  const job = faulty(ports, { step: () => Promise.resolve() });
  const delivered = Promise.withResolvers<void>();
  const stuck = await job.log.subscribe({
    group: "g",
    topics: ["t"],
    start: () => Promise.resolve(0),
    batch: () => {
      delivered.resolve();
      return new Promise(() => {});
    },
  });
  await delivered.promise;
  job.crash();
  assertEquals(await code(stuck.done), "stopped");

  const again = Promise.withResolvers<LogBatch>();
  const heir = await ports.log.subscribe({
    group: "g",
    topics: ["t"],
    start: () => Promise.resolve(0),
    batch: (batch) => Promise.resolve(again.resolve(batch)),
  });
  assertEquals((await again.promise).records.length, 1);
  await heir.stop();
});

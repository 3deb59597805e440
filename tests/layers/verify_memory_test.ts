/** A verification while speed folds and writes: of the store's copy, and of what is in memory. */

import { runBatch, verify, type VerifyReport } from "@pipeline/batch";
import {
  documentId,
  type EventLog,
  type ServingStore,
  type ViewDocument,
  VIEWS,
} from "@pipeline/core";
import {
  type LiveParts,
  LocalParts,
  type PartAnswer,
  type PartsRequest,
  readFolded,
  readOutcomes,
} from "@pipeline/protocol";
import { type Clock, createLogger, systemClock, TestClock } from "@pipeline/runtime";
import type { Speed } from "@pipeline/speed";
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { runVerify, VERIFIED } from "../../jobs/batch/pipeline.ts";
import { eventually } from "../support/eventually.ts";
import { broken, type Change, hourOf, tampered } from "./_verified.ts";
import { post, SETTINGS, START, World } from "./_world.ts";

const HOURS = 20;

/** A world with a generation of some hours, and nothing beyond it. */
async function built(): Promise<World> {
  const world = new World();
  await world.withSpeed(async () => {
    for (let n = 0; n < HOURS; n++) await world.commit(hourOf(n));
    await runBatch({ ...world.ports, settings: SETTINGS });
  });
  return world;
}

/** The end of the posts that speed has in memory. */
function folded(speed: Speed): number {
  const posts = speed.folds.get(1)?.folded().find(({ topic }) => topic === "reddit.posts");
  return posts?.next_offset ?? 0;
}

/** Appends an hour that nobody has ingested, and waits until it is folded. */
async function add(world: World, speed: Speed, n: number): Promise<void> {
  await world.produce(hourOf(n));
  await eventually(() => assertEquals(folded(speed), (n + 1) * 21));
}

/** Writes of documents that wait until they are let. */
class Gate {
  readonly store: ServingStore;
  readonly #held: (() => void)[] = [];
  #free = false;

  constructor(store: ServingStore) {
    const write: ServingStore["write"] = async (generation, view, documents) => {
      if (!this.#free) await new Promise<void>((resolve) => this.#held.push(resolve));
      await store.write(generation, view, documents);
    };
    this.store = new Proxy(store, {
      get: (target, name: keyof ServingStore) =>
        name === "write" ? write : (target[name] as () => unknown).bind(target),
    });
  }

  /** Waits until a write is held. */
  async waits(): Promise<void> {
    await eventually(() => assert(this.#held.length > 0, "Nothing is written"));
  }

  /** Lets the held write through. */
  next(): void {
    this.#held.shift()!();
  }

  /** Lets everything through. */
  free(): void {
    this.#free = true;
    for (const open of this.#held.splice(0)) open();
  }
}

/** Runs work beside a speed layer whose writes are held. */
async function withGate(
  world: World,
  work: (speed: Speed, gate: Gate) => Promise<void>,
): Promise<void> {
  const gate = new Gate(world.ports.store);
  await world.withSpeed(async (speed) => {
    try {
      await eventually(() => assert(speed.folds.has(1)));
      await work(speed, gate);
    } finally {
      gate.free();
    }
  }, { store: gate.store });
}

/** Verifies everything, and samples of it. */
async function verifyAll(
  world: World,
  more: Partial<Parameters<typeof verify>[0]> = {},
): Promise<readonly VerifyReport[]> {
  const reports: VerifyReport[] = [await verify({ ...world.ports, ...more })];
  for (const seed of [1, 2]) {
    reports.push(await verify({ ...world.ports, ...more, sample: { keys: 200, seed } }));
  }
  return reports;
}

/** Ids of stored documents of speed that include records beyond the watermark. */
async function ahead({ ports: { store } }: World): Promise<Set<string>> {
  const ids = new Set<string>();
  const watermarks = await readFolded(store, 1);
  for (const view of VIEWS) {
    const query = { layer: "speed", order: "id", limit: 10_000 } as const;
    for (const { id, version, body } of (await store.search(1, view, query)).documents) {
      const watermark = watermarks.find((f) => `${f.topic}-${f.partition}` === body.part)!;
      if (version > watermark.next_offset) ids.add(id);
    }
  }
  return ids;
}

Deno.test("verify() finds nothing in the midst of a pass, and damage also beyond the watermark", async () => {
  const world = await built();
  const live = new LocalParts();
  await withGate(world, async (speed, gate) => {
    live.offer((request) => speed.answer(request));
    let most = 0;
    for (let step = 0; step < 8; step++) {
      // What the pass writes next includes these records, which came after it had begun.
      await add(world, speed, HOURS + step);
      await gate.waits();
      for (const report of await verifyAll(world, { parts: live })) {
        assertEquals(report.first, [], `step ${step}`);
        assertEquals(report.memory.parts, 3);
      }
      const beyond = await ahead(world);
      most = Math.max(most, beyond.size);
      const { store } = tampered(world.ports.store, (document) => {
        const { id, body } = document;
        return beyond.has(id) ? { ...document, body: broken(body) } : document;
      });
      for (const { exact, first } of await verifyAll(world, { store })) {
        assertEquals(exact, beyond.size === 0, `step ${step}`);
        assert(first.every(({ check }) => check === "speed"));
      }
      gate.next();
    }
    assertGreater(most, 10);
  });
});

Deno.test("verify() finds a document of a changed key that a pass has left out", async () => {
  const world = await built();
  await world.withSpeed(async (speed) => {
    await eventually(() => assert(speed.folds.has(1)));
    await add(world, speed, HOURS);
    await written(world, HOURS);
  });
  const gone = [...(await world.documents(1, "speed")).values()];
  for (const type of ["post", "subreddit", "activity", "user_window", "user_total"] as const) {
    const victim = gone.find((document) => document.type === type)!;
    const id = documentId(victim);
    const { store } = tampered(world.ports.store, (d) => d.id === id ? undefined : d);
    for (const sample of [undefined, { keys: 1_000 }]) {
      const { first } = await verify({ ...world.ports, store, ...(sample && { sample }) });
      assert(first.length > 0, type);
      for (const { what, found } of first) {
        assertEquals([what.split(" ")[1], found], [id, undefined]);
      }
    }
  }
});

Deno.test("verify() finds a document of a version that the log has not reached", async () => {
  const change: Change = (document) =>
    document.body.part === "reddit.users-0" && document.body.type === "user_total"
      ? { ...document, version: 1_000_000 }
      : document;
  const { store } = tampered(still.ports.store, change);
  for (const report of await verifyAll(still, { store, clock: hasty })) {
    assertGreater(report.differences, 0);
    const { check, expected, found } = report.first[0]!;
    assertEquals([check, expected, found], ["speed", `a version of at most ${HOURS + 1}`, 1e6]);
  }
});

/** Waits until the copy has the posts of an hour. */
async function written(world: World, n: number): Promise<void> {
  await eventually(async () => {
    const posts = (await readFolded(world.ports.store, 1))
      .find(({ topic }) => topic === "reddit.posts");
    assertEquals(posts?.next_offset, (n + 1) * 21);
  });
}

/** A world at rest whose folds still answer: what they answered can be asked for at any time. */
const still = await built();
const answers = new LocalParts();
await still.withSpeed(async (speed) => {
  await eventually(() => assert(speed.folds.has(1)));
  await add(still, speed, HOURS);
  const fold = speed.folds.get(1)!;
  answers.offer((request) => fold.answer(request));
  await written(still, HOURS);
});

/** A clock on which nobody waits. */
const hasty: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  sleep: () => Promise.resolve(),
};

/** Folds that answer something else. */
function changed(
  change: (answer: PartAnswer, request: PartsRequest) => PartAnswer | undefined,
): LiveParts {
  return {
    ask: async (request) =>
      (await answers.ask(request)).flatMap((answer) => change(answer, request) ?? []),
  };
}

/** Folds that have other documents. */
function having(change: (body: ViewDocument) => readonly ViewDocument[]): LiveParts {
  return changed((answer) => ({
    ...answer,
    answers: answer.answers.map((found) => (found as readonly ViewDocument[]).flatMap(change)),
  }));
}

for (const type of ["post", "subreddit", "activity", "user_window", "user_total"] as const) {
  const other = (change: (body: ViewDocument) => readonly ViewDocument[]) =>
    having((body) => body.type === type ? change(body) : [body]);

  Deno.test(`verify() finds wrong ${type} documents in memory`, async () => {
    for (const report of await verifyAll(still, { parts: other((body) => [broken(body)]) })) {
      assertGreater(report.differences, 0);
      assert(report.first.every(({ check, found }) => check === "memory" && found !== undefined));
    }
  });

  Deno.test(`verify() finds missing ${type} documents in memory`, async () => {
    for (const report of await verifyAll(still, { parts: other(() => []) })) {
      assertGreater(report.differences, 0);
      assert(report.first.every(({ check, found }) => check === "memory" && found === undefined));
    }
  });

  Deno.test(`verify() finds ${type} documents in memory that no record made`, async () => {
    const made = (body: ViewDocument): ViewDocument =>
      "subreddit" in body ? { ...body, subreddit: "none" } : { ...body, user_id: "none" };
    const parts = other((body) => [body, made(body)]);
    for (const report of await verifyAll(still, { parts })) {
      assertGreater(report.differences, 0);
      assert(report.first.every((d) => d.check === "memory" && d.expected === undefined));
    }
  });
}

Deno.test("verify() finds answers of a fold that has missed the last record", async () => {
  const parts = changed((answer) => ({ ...answer, next_offset: answer.next_offset - 1 }));
  for (const report of await verifyAll(still, { parts })) {
    assertGreater(report.differences, 0);
    assert(report.first.every(({ check }) => check === "memory"));
  }
});

Deno.test("verify() finds answers for parts, and at offsets, that the log does not have", async () => {
  const posts = ({ topic }: PartAnswer) => topic === "reddit.posts";
  const beyond = changed((one) => posts(one) ? { ...one, next_offset: 1_000_000 } : one);
  for (const { first } of await verifyAll(still, { parts: beyond, clock: hasty })) {
    const what = "reddit.posts-0";
    const expected = `an offset of at most ${(HOURS + 1) * 21}`;
    assertEquals(first, [{ check: "memory", what, expected, found: 1_000_000 }]);
  }
  const foreign = changed((one) => posts(one) ? { ...one, partition: 7 } : one);
  for (const { first } of await verifyAll(still, { parts: foreign })) {
    assert(first.length > 0);
    assert(first.every(({ what, expected }) => what === "reddit.posts-7" && !expected));
  }
});

Deno.test("verify() awaits a broker that does not know of all records yet", async () => {
  const { log } = still.ports;
  for (const more of [{}, { sample: { keys: 50 } }]) {
    let behind = 5;
    const clock = new TestClock();
    const ranges: EventLog["ranges"] = async (topic) => {
      const less = --behind > 0 ? 1 : 0;
      return (await log.ranges(topic)).map((range) => ({ ...range, end: range.end - less }));
    };
    const late = new Proxy(log, {
      get: (target, name: keyof EventLog) =>
        name === "ranges" ? ranges : (target[name] as () => unknown).bind(target),
    });
    let over = false;
    const verified = verify({ ...still.ports, log: late, parts: answers, clock, ...more })
      .finally(() => over = true);
    while (!over) await clock.advance(500);
    assertEquals((await verified).first, []);
    assert(behind <= 0);
  }
});

Deno.test("verify() checks every answer for a part, also those that others are ahead of", async () => {
  const before = new LocalParts();
  const world = await built();
  const live: LiveParts = {
    ask: async (request) => [...await answers.ask(request), ...await before.ask(request)],
  };
  await world.withSpeed(async (speed) => {
    await eventually(() => assert(speed.folds.has(1)));
    await world.produce([post("only", START)]);
    await eventually(() => assertEquals(folded(speed), HOURS * 21 + 1));
    const fold = speed.folds.get(1)!;
    before.offer((request) => fold.answer(request));
  });
  const [report] = await verifyAll(still, { parts: live });
  assertGreater(report!.differences, 0);
  assert(report!.first.some(({ what }) => what.endsWith(` at ${HOURS * 21 + 1}`)));
});

Deno.test("verify() reports which parts of memory it has checked, and finds no difference in silence", async () => {
  const sample = { keys: 50 };
  const checked = await verify({ ...still.ports, parts: answers, sample });
  assertEquals(checked.first, []);
  const { asked, parts, of_parts, documents } = checked.memory;
  assertEquals([asked, parts, of_parts], [true, 3, 3]);
  assertGreater(documents, 50);
  assert(
    checked.sample!.proves.some((text) => text.startsWith("memory: ") && / 3 of 3 /.test(text)),
  );
  assert(!checked.sample!.leaves.some((text) => text.startsWith("memory: ")));

  const silent = await verify({ ...still.ports, parts: new LocalParts(), sample });
  assertEquals([silent.exact, silent.memory], [
    true,
    { asked: true, parts: 0, of_parts: 3, documents: 0 },
  ]);
  assert(silent.sample!.leaves.some((text) => text.startsWith("memory: parts that did not")));

  const without = await verify({ ...still.ports, sample });
  assertEquals([without.exact, without.memory.asked], [true, false]);
  assert(without.sample!.leaves.includes("memory: no folds could be asked"));
});

Deno.test("verify() of a sample compares as much of memory as its records reach", async () => {
  const parts = having((body) => [broken(body)]);
  const one = await verify({ ...still.ports, parts, sample: { keys: 1, seed: 1 } });
  assertEquals(one.memory.parts, 3);
  const world = await built();
  await world.withSpeed(async (speed) => {
    await eventually(() => assert(speed.folds.has(1)));
    await world.produce(Array.from({ length: 300 }, (_, i) => post(`q${i}`, START + i)));
    await eventually(() => assertEquals(folded(speed), HOURS * 21 + 300));
    const live = new LocalParts();
    live.offer((request) => speed.answer(request));
    const far = await verify({ ...world.ports, parts: live, sample: { keys: 1 } });
    assert(far.exact);
    assertEquals(far.memory.parts, 2);
    assert(far.read.log_records <= 2 * 200, `${far.read.log_records} records were read`);
  });
});

Deno.test("verify() of merged values ignores what memory has beyond the store", async () => {
  const world = await built();
  const live = new LocalParts();
  await withGate(world, async (speed, gate) => {
    live.offer((request) => speed.answer(request));
    await add(world, speed, HOURS);
    await gate.waits();
    const report = await verify({ ...world.ports, parts: live, merged: true });
    assertEquals(report.first, []);
    assertEquals(report.memory, { asked: true, parts: 0, of_parts: 3, documents: 0 });
  });
});

Deno.test("verify() ends on time if no fold ever answers", async () => {
  const clock = new TestClock();
  const asked = Promise.withResolvers<void>();
  const parts: LiveParts = {
    ask: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  };
  const verified = verify({ ...still.ports, parts, within: 1_000, clock });
  await asked.promise;
  await clock.advance(1_000);
  assertStringIncludes((await verified).unfinished ?? "", "speed's documents");
});

Deno.test("batch verify prints what differs in memory, ends with 1, and keeps it as drift", async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const clock = systemClock;
  const job = { clock, logger: createLogger({ sink: () => {}, clock }), print };
  const parts = having((body) => body.type === "post" ? [broken(body)] : [body]);
  const ports = { ...still.ports, parts };
  const code = await runVerify(ports, job as unknown as Parameters<typeof runVerify>[1], {});
  assertEquals(code, VERIFIED.different);
  const report = JSON.parse(lines.pop()!);
  assertEquals(report.memory.parts, 3);
  assert(lines.length > 0 && lines.every((line) => JSON.parse(line).check === "memory"));
  const kept = (await readOutcomes(still.ports.store)).verified;
  assertEquals(kept?.differences, report.differences);
});

Deno.test("verify() finds nothing while records are folded, written and asked for", async () => {
  const world = await built();
  const live = new LocalParts();
  let over = false;
  let n = HOURS;
  await world.withSpeed(async (speed) => {
    live.offer((request) => speed.answer(request));
    await eventually(() => assert(speed.folds.has(1)));
    const producing = (async () => {
      for (; !over; n++) {
        for (const record of hourOf(n)) await world.produce([record]);
      }
    })();
    for (let i = 0; i < 5; i++) {
      for (const report of await verifyAll(world, { parts: live })) {
        assertEquals(report.first, []);
        assertEquals(report.memory.parts, 3);
      }
    }
    over = true;
    await producing;
  });
  assertGreater(n, HOURS);
});

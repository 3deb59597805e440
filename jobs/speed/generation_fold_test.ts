import {
  faulty,
  type MemoryPorts,
  openMemory,
  type Ports,
  type Step,
  withSubscribe,
} from "@pipeline/adapters/testing";
import {
  type Consumer,
  encodeRecord,
  type EventLog,
  offsetVector,
  PipelineError,
  type StoppedPartition,
  type Subscription,
  TOPICS,
} from "@pipeline/core";
import {
  type LastRecords,
  type Manifest,
  readFolded,
  readStopped,
  recordHash,
} from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FlushReport, GenerationFold } from "./generation_fold.ts";

const POSTS = "reddit.posts";
const DAY_START = Date.UTC(2026, 2, 1);

/** A generation of one partition per topic, with the same horizon everywhere. */
function manifest(horizon: number): Manifest {
  const ends = offsetVector(1, (topic) => topic === POSTS ? horizon : 0);
  return emptyManifest({ horizon: ends });
}

/** Flushes on request only, except for the first time and at this many unflushed records. */
function settings(most = 1_000) {
  return { flushInterval: 3_600_000, maxUnflushed: most };
}

const post = (id: string) =>
  new TextEncoder().encode(encodeRecord({
    kind: "post",
    post_id: id,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: DAY_START,
    timestamp: DAY_START,
  }));

async function world(partitions = 1): Promise<MemoryPorts> {
  const ports = openMemory({ clock: () => DAY_START, refresh: "manual" });
  await ports.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions })));
  await ports.store.createGeneration(1);
  return ports;
}

/** Appends to the posts. */
async function append(log: EventLog, ...values: (Uint8Array | null)[]): Promise<void> {
  const producer = await log.producer();
  await producer.send(values.map((value) => ({ topic: POSTS, key: "k", value })));
  await producer.close();
}

/** The stored folded offset of the posts; `undefined` if there is none. */
async function said({ store }: Pick<MemoryPorts, "store">): Promise<number | undefined> {
  return (await readFolded(store, 1)).find(({ topic }) => topic === POSTS)?.next_offset;
}

/** Starts a fold, lets it run as far as no time must pass, and flushes once. */
async function started(
  ports: Pick<Ports, "log" | "store">,
  { horizon = 0, most, last = {}, onFlush = () => {} }: {
    readonly horizon?: number;
    readonly most?: number;
    readonly last?: LastRecords;
    readonly onFlush?: (flush: FlushReport) => void;
  } = {},
) {
  const clock = new TestClock();
  const { log, store } = ports;
  const generation = { ...manifest(horizon), last };
  const options = { log, store, manifest: generation, settings: settings(most), clock, onFlush };
  const fold = await GenerationFold.start(options);
  await clock.advance(0);
  await fold.flush().catch(() => {});
  return { fold, clock };
}

/** A log whose subscriber the test controls. */
function byHand(log: EventLog) {
  const hand: { subscriber?: Subscription; stopped: StoppedPartition[] } = { stopped: [] };
  const consumer: Consumer = {
    done: Promise.withResolvers<void>().promise,
    stop: () => Promise.resolve(),
    mark: () => Promise.resolve(),
    get stopped() {
      return hand.stopped;
    },
  };
  const subscribe: EventLog["subscribe"] = (subscriber) => {
    hand.subscriber = subscriber;
    return Promise.resolve(consumer);
  };
  return { hand, log: withSubscribe(log, subscribe) };
}

/** Posts that the log has appended a millisecond apart. */
function batch(startOffset: number, ids: readonly string[]) {
  const records = ids.map((id, i) => {
    const offset = startOffset + i;
    return { offset, key: "k", value: post(id), timestamp: DAY_START + offset };
  });
  return { topic: POSTS, partition: 0, startOffset, nextOffset: startOffset + ids.length, records };
}

Deno.test("start() folds from the horizon on, and reports every partition as begun", async () => {
  const ports = await world();
  await append(ports.log, post("p0"), post("p1"), post("p2"));
  const { fold } = await started(ports, { horizon: 2 });
  try {
    assertEquals(fold.folded().find(({ topic }) => topic === POSTS)?.records, 1);
    const all = (await readFolded(ports.store, 1)).map((f) => [f.topic, f.next_offset]);
    assertEquals(Object.fromEntries(all), {
      "reddit.posts": 3,
      "reddit.comments": 0,
      "reddit.users": 0,
    });
  } finally {
    await fold.stop();
  }
});

Deno.test("start() ends where a partition came that the generation has no horizon for", async () => {
  const { fold } = await started(await world(2));
  const error = await assertRejects(() => fold.done, PipelineError, "needs a full generation");
  assertEquals(error.code, "conflict");
  await fold.stop();
});

Deno.test("flush() publishes the folded offset only once all records below it are visible", async () => {
  const ports = await world();
  const steps: string[] = [];
  const step: Step = (name, phase) => {
    if (phase === "before" && name.startsWith("store.")) steps.push(name.replace(/ 1.*/, ""));
    return Promise.resolve();
  };
  const { fold, clock } = await started(faulty(ports, { step }));
  try {
    await append(ports.log, post("p0"));
    await clock.advance(0);
    steps.length = 0;
    await fold.flush();
    const writes = steps.filter((name) => name === "store.write").length;
    assert(writes > 0);
    assertEquals(steps.slice(writes), ["store.refresh", "store.putControls"]);
    steps.length = 0;
    await fold.flush();
    assertEquals(steps, [], "nothing has changed");
  } finally {
    await fold.stop();
  }
});

for (const failing of ["store.write 1 user_activity", "store.refresh 1", "store.putControls"]) {
  Deno.test(`flush() publishes no folded offset if ${failing} fails, and nothing follows it`, async () => {
    const ports = await world();
    let broken = false;
    const step: Step = (name, phase) =>
      broken && phase === "before" && name === failing
        ? Promise.reject(new PipelineError("invalid", "The store refuses"))
        : Promise.resolve();
    const { fold, clock } = await started(faulty(ports, { step }));
    assertEquals(await said(ports), 0);
    await append(ports.log, post("p0"));
    await clock.advance(0);
    broken = true;
    await clock.advance(settings().flushInterval);
    await assertRejects(() => fold.done, PipelineError, "The store refuses");
    broken = false;
    // The changes that it took from the state are lost: a later flush would lack them.
    await assertRejects(() => fold.flush(), PipelineError, "The store refuses");
    assertEquals(await said(ports), 0);
    await fold.stop({ discard: true });
  });
}

Deno.test("the fold waits for the store where too much is not written", async () => {
  const ports = await world();
  const gate = Promise.withResolvers<void>();
  let closed = false;
  const step: Step = (name) =>
    closed && name.startsWith("store.write ") ? gate.promise : Promise.resolve();
  const { fold, clock } = await started(faulty(ports, { step }), { most: 2 });
  try {
    closed = true;
    const next = async () => {
      await clock.advance(0);
      return fold.folded().find(({ topic }) => topic === POSTS)?.next_offset;
    };
    await append(ports.log, post("p0"));
    assertEquals(await next(), 1);
    await append(ports.log, post("p1"));
    assertEquals(await next(), 2);
    await append(ports.log, post("p2"));
    assertEquals(await next(), 2, "one record beyond the bound is not taken");
    gate.resolve();
    assertEquals(await next(), 3);
  } finally {
    gate.resolve();
    await fold.stop();
  }
});

Deno.test("stop() writes what was folded, or discards it on request", async () => {
  for (const discard of [false, true]) {
    const ports = await world();
    const { fold, clock } = await started(ports);
    await append(ports.log, post("p0"));
    await clock.advance(0);
    await fold.stop({ discard });
    await fold.done;
    assertEquals(await said(ports), discard ? 0 : 1);
    assertEquals(clock.sleeping, 0);
  }
});

Deno.test("a record that cannot be admitted is counted, and the fold continues after it", async () => {
  const ports = await world();
  const { fold } = await started(ports);
  await append(ports.log, new TextEncoder().encode("{"), null, post("p0"));
  await fold.stop();
  const folded = (await readFolded(ports.store, 1)).find(({ topic }) => topic === POSTS);
  assertEquals([folded?.next_offset, folded?.records, folded?.dead_letters], [3, 1, 2]);
});

Deno.test("a batch that overlaps what was folded adds its rest, and one that leaves a hole is refused", async () => {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  const { fold } = await started({ ...ports, log });
  const { start, batch: deliver } = hand.subscriber!;
  await start(POSTS, 0);
  await deliver(batch(0, ["p0", "p1"]));
  await deliver(batch(1, ["p1", "p2"]));
  await deliver(batch(0, ["p0"]));
  const [folded] = fold.folded();
  assertEquals([folded?.next_offset, folded?.records, folded?.duplicates], [3, 3, 0]);
  const error = await assertRejects(() => deliver(batch(5, ["p5"])), PipelineError);
  assertEquals([error.code, error.message], [
    "offset_out_of_range",
    "reddit.posts-0: offsets 3 to 4 were not delivered",
  ]);
  await fold.stop();
});

Deno.test("a partition that was revoked is written no more, and begins at the horizon when it is back", async () => {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  const { fold } = await started({ ...ports, log });
  const { start, batch: deliver, revoked } = hand.subscriber!;
  await start(POSTS, 0);
  await deliver(batch(0, ["p0"]));
  await revoked!(POSTS, 0);
  await deliver(batch(1, ["p1"]));
  await fold.flush();
  assertEquals(await said(ports), undefined);
  assertEquals(await start(POSTS, 0), 0);
  await deliver(batch(0, ["p0", "p1"]));
  await fold.stop();
  assertEquals(await said(ports), 2);
});

Deno.test("flush() reports the oldest newly visible record, and none twice", async () => {
  const ports = await world();
  const told: number[] = [];
  const onFlush = ({ oldest }: FlushReport) =>
    void told.push(...oldest.map(({ appended }) => appended - DAY_START));
  const begin = async () => {
    const { hand, log } = byHand(ports.log);
    const { fold } = await started({ ...ports, log }, { onFlush });
    await hand.subscriber!.start(POSTS, 0);
    return { fold, deliver: hand.subscriber!.batch };
  };
  const { fold, deliver } = await begin();
  await deliver(batch(0, ["p0"]));
  await deliver(batch(1, ["p1"]));
  await fold.flush();
  await deliver(batch(2, ["p2"]));
  await fold.stop();
  // Another start refolds what this one has published.
  const again = await begin();
  await again.deliver(batch(0, ["p0", "p1", "p2", "p3", "p4"]));
  await again.fold.stop();
  assertEquals(told, [0, 2, 3]);
});

Deno.test("flush() writes a stopped partition to the store once, and removes it once it continues", async () => {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  let told = 0;
  const step: Step = (name, phase) => {
    if (phase === "before" && name === "store.putControls") told++;
    return Promise.resolve();
  };
  const { fold } = await started({ log, store: faulty(ports, { step }).store });
  hand.stopped = [{ topic: POSTS, partition: 0, offset: 4, reason: "checksum", why: "Damaged" }];
  await fold.flush();
  assertEquals((await readStopped(ports.store, 1)).map(({ why }) => why), ["Damaged"]);
  const before = told;
  await fold.flush();
  assertEquals(told, before);
  hand.stopped = [];
  await fold.flush();
  assertEquals(await readStopped(ports.store, 1), []);
  await fold.stop();
});

Deno.test("start() ends where the record before the horizon is another one", async () => {
  const ports = await world();
  await append(ports.log, post("p0"), post("p1"));
  const last = { [`${POSTS}-0`]: { offset: 0, hash: recordHash({ key: "k", value: post("p9") }) } };
  const { fold } = await started(ports, { horizon: 1, last });
  const error = await assertRejects(() => fold.done, PipelineError, "the topic was recreated");
  assertEquals(error.code, "diverged");
  await fold.stop();
});

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
  DEAD_LETTER_TOPIC,
  encodeRecord,
  type EventLog,
  PipelineError,
  type Subscription,
  TOPICS,
} from "@pipeline/core";
import { CommitLog, INGEST_GROUP } from "@pipeline/protocol";
import { TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import type { IngestSettings } from "./config.ts";
import { Ingest } from "./ingest.ts";

const TOPIC = "reddit.posts";
const START = Date.UTC(2026, 2, 1);
const AGE = 4_000;

/** Flushes by age only, unless set otherwise. */
function settings(
  { records = 1_000, bytes = 1_000_000 }: { records?: number; bytes?: number } = {},
): IngestSettings {
  return { flush: { records, bytes, age: AGE }, maxFuture: 0 };
}

const post = (id: number) =>
  new TextEncoder().encode(encodeRecord({
    kind: "post",
    post_id: `p${id}`,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: START,
    timestamp: START,
  }));

async function opened(): Promise<MemoryPorts> {
  const ports = openMemory({ clock: () => START });
  const topics = [...TOPICS, DEAD_LETTER_TOPIC];
  await ports.log.ensureTopics(topics.map((topic) => ({ topic, partitions: 1 })));
  return ports;
}

/** Appends this many posts; offsets and ids continue. */
async function append({ log }: Pick<Ports, "log">, count: number): Promise<void> {
  const end = (await log.ranges(TOPIC))[0]!.end;
  const producer = await log.producer();
  const ids = Array.from({ length: count }, (_, i) => end + i);
  await producer.send(ids.map((id) => ({ topic: TOPIC, key: "k", value: post(id) })));
}

/** The ends of the commits. */
const ends = async ({ dataset }: Pick<MemoryPorts, "dataset">) =>
  (await new CommitLog(dataset).read(TOPIC, 0)).commits.map(({ end }) => end);

/** Starts ingest, and lets it run as far as no time must pass. */
async function started(ports: Pick<Ports, "log" | "dataset">, flush = settings()) {
  const clock = new TestClock();
  const { log, dataset } = ports;
  const retry = { clock, policy: { base: 1, max: 1, attempts: 1 } };
  const ingest = await Ingest.start({ log, dataset, settings: flush, clock, retry });
  await clock.advance(0);
  return { ingest, clock };
}

/** Fails at steps of this name while it is on. */
function failing(name: string) {
  const switched = { on: false };
  const step: Step = (at, phase) =>
    switched.on && phase === "before" && at.startsWith(name)
      ? Promise.reject(new PipelineError("invalid", `No ${name}`))
      : Promise.resolve();
  return { switched, step };
}

Deno.test("Ingest flushes a partition when its records are old enough, and not before", async () => {
  const ports = await opened();
  const { ingest, clock } = await started(ports);
  await append(ports, 2);
  await clock.advance(AGE - 1);
  assertEquals(await ends(ports), []);
  await append(ports, 1);
  await clock.advance(1);
  assertEquals(await ends(ports), [3], "with what came since");
  await append(ports, 1);
  await clock.advance(AGE - 1);
  assertEquals(await ends(ports), [3], "its age counts from its own first record");
  await ingest.stop();
  assertEquals(await ends(ports), [3, 4]);
});

Deno.test("Ingest flushes a partition that holds enough records or bytes, without a wait", async () => {
  const size = post(0).length;
  for (const flush of [{ records: 3 }, { bytes: 3 * size }]) {
    const ports = await opened();
    const { ingest, clock } = await started(ports, settings(flush));
    for (let i = 0; i < 4; i++) {
      await append(ports, 1);
      await clock.advance(0);
    }
    assertEquals(await ends(ports), [3], JSON.stringify(flush));
    await ingest.stop();
  }
});

Deno.test("Ingest continues where the commit log ends, and marks the dataset's offset in the log", async () => {
  const ports = await opened();
  const { ingest } = await started(ports);
  await append(ports, 2);
  await ingest.stop();
  const { ingest: next } = await started(ports);
  assertEquals(next.committed().find(({ topic }) => topic === TOPIC)?.offset, 2);
  await append(ports, 1);
  await next.stop();
  assertEquals(await ends(ports), [2, 3]);
  assertEquals(await ports.log.marks(INGEST_GROUP, TOPIC), [3]);
});

Deno.test("Ingest ends where the dataset fails, and commits nothing of what follows", async () => {
  const ports = await opened();
  const { switched, step } = failing("dataset.write ");
  const { ingest, clock } = await started(faulty(ports, { step }), settings({ records: 1 }));
  await append(ports, 1);
  await clock.advance(0);
  switched.on = true;
  await append(ports, 1);
  await clock.advance(0);
  await assertRejects(() => ingest.done, PipelineError, "No dataset.write");
  switched.on = false;
  await append(ports, 1);
  await clock.advance(AGE);
  await assertRejects(() => ingest.stop(), PipelineError, "No dataset.write");
  assertEquals(await ends(ports), [1]);
  // The next owner continues from there.
  const { ingest: next } = await started(ports);
  await next.stop();
  assertEquals(await ends(ports), [1, 3]);
});

Deno.test("Ingest gives its producer back where it cannot subscribe", async () => {
  const ports = await opened();
  const closed: string[] = [];
  const { switched, step } = failing("log.subscribe");
  switched.on = true;
  const counted: Step = (name, phase) => {
    if (phase === "after" && name === "log.closeProducer") closed.push(name);
    return step(name, phase);
  };
  await assertRejects(() => started(faulty(ports, { step: counted })), PipelineError);
  assertEquals(closed.length, 1);
});

/** A log whose subscriber the test controls. */
function byHand(log: EventLog) {
  const hand: { subscriber?: Subscription } = {};
  const consumer: Consumer = {
    done: Promise.withResolvers<void>().promise,
    stop: () => Promise.resolve(),
    mark: () => Promise.reject(new PipelineError("unavailable", "The group is away")),
  };
  const subscribe: EventLog["subscribe"] = (subscriber) => {
    hand.subscriber = subscriber;
    return Promise.resolve(consumer);
  };
  return { hand, log: withSubscribe(log, subscribe) };
}

function batch(startOffset: number, count: number) {
  const records = Array.from({ length: count }, (_, i) => {
    return { offset: startOffset + i, key: "k", value: post(startOffset + i), timestamp: START };
  });
  return { topic: TOPIC, partition: 0, startOffset, nextOffset: startOffset + count, records };
}

Deno.test("Ingest is not ended by what fails on a partition that another member owns by now", async () => {
  const ports = await opened();
  await append(ports, 2);
  const { hand, log } = byHand(ports.log);
  const gate = Promise.withResolvers<void>();
  let first = true;
  const { dataset } = faulty(ports, {
    step: async (name) => {
      if (!first || !name.startsWith("dataset.write ")) return;
      first = false;
      await gate.promise;
      throw new PipelineError("invalid", "No more space");
    },
  });
  const { ingest, clock } = await started({ log, dataset }, settings({ records: 1 }));
  const { start, batch: deliver, revoked } = hand.subscriber!;
  await start(TOPIC, 0);
  const handled = deliver(batch(0, 1));
  await clock.advance(0);
  await revoked!(TOPIC, 0);
  gate.resolve();
  await handled;
  // The partition returns, and is continued from the commit log.
  assertEquals(await start(TOPIC, 0), 0);
  await Promise.race([ingest.done, deliver(batch(0, 2))]);
  assertEquals(await ends(ports), [2]);
  await ingest.stop();
});

Deno.test("Ingest continues after the commit of an old owner, with the records that are not redelivered", async () => {
  const ports = await opened();
  await append(ports, 3);
  const old = byHand(ports.log);
  const own = byHand(ports.log);
  const { ingest: before } = await started({ ...ports, log: old.log });
  const { ingest, clock } = await started({ ...ports, log: own.log });
  for (const { hand } of [old, own]) assertEquals(await hand.subscriber!.start(TOPIC, 0), 0);
  await old.hand.subscriber!.batch(batch(0, 1));
  await own.hand.subscriber!.batch(batch(0, 3));
  await before.stop();
  await clock.advance(AGE);
  // The old owner's commit stays; the rest is as old as the moment when it was reread.
  assertEquals(await ends(ports), [1]);
  await clock.advance(AGE);
  assertEquals(await ends(ports), [1, 3]);
  await ingest.stop();
});

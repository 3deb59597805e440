import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryEventLog } from "@pipeline/adapters/testing";
import {
  type EventLog,
  hashBytes,
  isAnnouncement,
  type LogProducer,
  type LogRecord,
  parseRecord,
  PipelineError,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import type { DeliveredBatch } from "./delivery.ts";
import type { Appender, LedgerLine } from "@pipeline/protocol";
import { RealtimeProducer } from "./realtime.ts";
import { parseRate } from "./schedule.ts";

type Send = LogProducer["send"];

/** A log whose sends go through `send`, which may stall, fail or lose answers. */
async function openLog(
  clock: TestClock,
  send: (send: Send) => Send = (plain) => plain,
): Promise<EventLog> {
  const log = new MemoryEventLog({ clock: () => clock.now(), maxRecordBytes: 10_000 });
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 3 })));
  const plain = log.producer.bind(log);
  log.producer = async () => {
    const producer = await plain();
    return { send: send((records) => producer.send(records)), close: () => producer.close() };
  };
  return log;
}

async function contents(log: EventLog): Promise<{ topic: Topic; record: LogRecord }[]> {
  const all: { topic: Topic; record: LogRecord }[] = [];
  for (const topic of TOPICS) {
    for (const { partition, earliest, end } of await log.ranges(topic)) {
      for await (const batch of log.read(topic, partition, earliest, end)) {
        for (const record of batch.records) all.push({ topic, record });
      }
    }
  }
  return all;
}

function memory<T>(): Appender<T> & { readonly lines: T[] } {
  const lines: T[] = [];
  return {
    lines,
    append: (more) => Promise.resolve(void lines.push(...more)),
    close: () => Promise.resolve(),
  };
}

const OPTIONS = { seed: 1, run: 1, rate: parseRate("1000"), duration: 2_000 };

Deno.test("RealtimeProducer sends every record when it is due, and within the linger", async () => {
  const clock = new TestClock();
  const start = clock.now();
  const log = await openLog(clock);
  const batches: DeliveredBatch[] = [];
  const run = {
    clock,
    linger: 5,
    onDelivered: (batch: DeliveredBatch) => void batches.push(batch),
  };
  const status = await clock.run(new RealtimeProducer(log, OPTIONS, run).run());
  assertEquals([status.produced, status.acknowledged, status.behind], [2_000, 2_000, 0]);
  const records = batches.flatMap((batch) => batch.records.map((r) => ({ ...r, ...batch })));
  for (const [i, { scheduled, sent }] of records.entries()) {
    assertEquals(Math.round(scheduled - start), i + 1);
    assert(sent >= Math.floor(scheduled) && sent <= scheduled + 5.001, `${sent - scheduled} ms`);
  }
  for (const { topic, record } of await contents(log)) {
    const { timestamp } = parseRecord(topic, record.value);
    assert(record.timestamp >= timestamp && record.timestamp - timestamp <= 6);
  }
});

Deno.test("RealtimeProducer catches up after a late timer, and keeps the schedule", async () => {
  const clock = new TestClock();
  const sleep = clock.sleep.bind(clock);
  let sleeps = 0;
  // Every fiftieth timer fires 300 ms late.
  clock.sleep = (ms, signal) => sleep(++sleeps % 50 === 0 ? ms + 300 : ms, signal);
  const batches: DeliveredBatch[] = [];
  const run = { clock, onDelivered: (batch: DeliveredBatch) => void batches.push(batch) };
  const started = clock.now();
  const log = await openLog(clock);
  const status = await clock.run(new RealtimeProducer(log, OPTIONS, run).run());
  assertEquals(status.acknowledged, 2_000);
  assert(clock.now() - started < 2_400, "time was lost");
  assert(batches.some((batch) => batch.records.length > 250), "nothing was caught up");
});

Deno.test("RealtimeProducer waits while the log stalls, reports it, and loses nothing", async () => {
  const clock = new TestClock();
  let stalled = true;
  const waiting: (() => void)[] = [];
  const log = await openLog(clock, (send) => async (records) => {
    if (stalled) await new Promise<void>((resolve) => waiting.push(resolve));
    return await send(records);
  });
  const ledger = memory<LedgerLine>();
  const producer = new RealtimeProducer(log, OPTIONS, {
    clock,
    ledger,
    maxInFlight: 2,
    maxBatch: 100,
  });
  const done = producer.run();
  await clock.advance(1_000);
  const stall = producer.status();
  assertEquals(stall.acknowledged, 0);
  assert(stall.produced <= 3 * 100, `${stall.produced} are held in memory`);
  assertEquals(stall.behind + stall.produced, 1_000);
  assert(producer.waiting >= 800, `it says that a batch has waited for ${producer.waiting} ms`);
  stalled = false;
  for (const resolve of waiting) resolve();
  const status = await clock.run(done);
  assertEquals([status.acknowledged, status.behind, producer.waiting], [2_000, 0, 0]);
  assertEquals((await contents(log)).length, 2_000);
  assertEquals(ledger.lines.length, 2_000);
});

Deno.test("RealtimeProducer writes the place, id and hash of every record into the ledger", async () => {
  const clock = new TestClock();
  const log = await openLog(clock);
  const ledger = memory<LedgerLine>();
  await clock.run(new RealtimeProducer(log, OPTIONS, { clock, ledger }).run());
  for (const line of ledger.lines) {
    assert("offset" in line);
    const { topic, partition, offset, hash } = line;
    for await (const { records } of log.read(topic, partition, offset, offset + 1)) {
      assertEquals(hashBytes(records[0]!.value!), hash);
    }
  }
});

Deno.test("RealtimeProducer marks records ambiguous whose answer was lost, and resends them", async () => {
  const clock = new TestClock();
  let sends = 0;
  const log = await openLog(clock, (send) => async (records) => {
    const lost = ++sends % 50 === 0;
    const acknowledgements = await send(records);
    if (lost) throw new PipelineError("unavailable", "The connection was cut");
    return acknowledgements;
  });
  const ledger = memory<LedgerLine>();
  const status = await clock.run(new RealtimeProducer(log, OPTIONS, { clock, ledger }).run());
  assertEquals(status.acknowledged, 2_000);
  assert(status.ambiguous > 0);
  const ambiguous = ledger.lines.filter((line) => "ambiguous" in line);
  assertEquals(ambiguous.length, status.ambiguous);
  const copies = new Map<string, number>();
  for (const { record } of await contents(log)) {
    const hash = hashBytes(record.value!);
    copies.set(hash, (copies.get(hash) ?? 0) + 1);
  }
  assertEquals(copies.size, 2_000);
  for (const { hash } of ambiguous) assertEquals(copies.get(hash), 2);
  const single = [...copies.values()].filter((count) => count === 1).length;
  assertEquals(single, 2_000 - ambiguous.length);
});

Deno.test("RealtimeProducer counts records that are too large, and sends the others", async () => {
  const clock = new TestClock();
  const log = await openLog(clock, (send) => async (records) => {
    if (records.some((r) => r.key.endsWith("7"))) throw new PipelineError("too_large", "Too large");
    return await send(records);
  });
  const status = await clock.run(new RealtimeProducer(log, OPTIONS, { clock, linger: 100 }).run());
  assert(status.refused > 0);
  assertEquals(status.acknowledged + status.refused, 2_000);
});

Deno.test("RealtimeProducer ends with a permanent error", async () => {
  const clock = new TestClock();
  const log = await openLog(clock, () => () => {
    return Promise.reject(new PipelineError("not_found", "There is no such topic"));
  });
  const run = new RealtimeProducer(log, OPTIONS, { clock }).run();
  await assertRejects(() => clock.run(run), PipelineError, "no such topic");
});

Deno.test("RealtimeProducer stops on its signal: all records taken are acknowledged", async () => {
  const clock = new TestClock();
  const log = await openLog(clock);
  const abort = new AbortController();
  const { duration: _, ...endless } = OPTIONS;
  const done = new RealtimeProducer(log, endless, { clock, signal: abort.signal }).run();
  await clock.advance(600);
  abort.abort();
  const status = await clock.run(done);
  assertEquals(status.produced, status.acknowledged);
  assert(status.produced >= 590 && status.produced <= 600, `${status.produced} records`);
});

Deno.test("RealtimeProducer abandons records that the log does not accept when stopped, and counts them", async () => {
  const clock = new TestClock();
  const log = await openLog(clock, () => () => {
    return Promise.reject(new PipelineError("unavailable", "No broker answers"));
  });
  const abort = new AbortController();
  const done = new RealtimeProducer(log, OPTIONS, { clock, signal: abort.signal }).run();
  await clock.advance(2_000);
  abort.abort();
  const status = await clock.run(done);
  assertEquals(status.acknowledged, 0);
  assertEquals(status.abandoned, status.produced);
});

Deno.test("RealtimeProducer produces nothing at rate 0", async () => {
  const clock = new TestClock();
  const log = await openLog(clock);
  const options = { seed: 1, run: 1, rate: parseRate(0) };
  const abort = new AbortController();
  const done = new RealtimeProducer(log, options, { clock, signal: abort.signal }).run();
  await clock.advance(1e6);
  abort.abort();
  assertEquals((await done).produced, 0);
});

Deno.test("RealtimeProducer is not disturbed by a step of the wall clock", async () => {
  const clock = new TestClock();
  const log = await openLog(clock);
  const producer = new RealtimeProducer(log, OPTIONS, { clock });
  const done = producer.run();
  await clock.advance(400);
  clock.step(3_600_000);
  await clock.advance(400);
  assertEquals([producer.status().produced, producer.status().behind], [800, 0]);
  clock.step(-7_200_000);
  assertEquals((await clock.run(done)).produced, 2_000);
});

Deno.test("RealtimeProducer repeats no id in a second run, and gives the same bytes for the same one", async () => {
  const run = async (number: number) => {
    const clock = new TestClock();
    const log = await openLog(clock);
    await clock.run(new RealtimeProducer(log, { ...OPTIONS, run: number }, { clock }).run());
    return await contents(log);
  };
  const hashes = (list: Awaited<ReturnType<typeof run>>) =>
    list.map(({ record }) => hashBytes(record.value!));
  const announced = (list: Awaited<ReturnType<typeof run>>) =>
    list.map(({ topic, record }) => parseRecord(topic, record.value)).filter(isAnnouncement)
      .map((r) => r.kind === "comment" ? r.comment_id : r.kind === "post" ? r.post_id : r.user_id);
  const [one, same, two] = [await run(1), await run(1), await run(2)];
  assertEquals(hashes(one), hashes(same));
  const ids = [...announced(one), ...announced(two)];
  assertEquals(new Set(ids).size, ids.length);
});

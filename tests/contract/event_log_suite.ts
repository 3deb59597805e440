/**
 * What every log must do: appending and reading. Consumers have a suite of their own.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type EventLog, type LogBatch, type LogRecord, partitionFor } from "@pipeline/core";
import { consumerSuite } from "./consumer_suite.ts";
import {
  assertCode,
  AWKWARD,
  bytes,
  type Capability,
  conformanceTest,
  type Fixture,
} from "./suite.ts";

/** A log under test. */
export interface EventLogFixture extends Fixture<EventLog> {
  /** Deletes the records before `earliest`, as retention does. */
  truncate?(topic: string, partition: number, earliest: number): Promise<void>;
  /** Closes the log and opens it again. */
  reopen?(): Promise<EventLog>;
}

/** What the implementation declares of itself. */
export interface EventLogTraits {
  /** Largest record, in bytes of key and value. */
  readonly maxRecordBytes: number;
  /** Several members of one group share the partitions. */
  readonly groups: Capability;
  /** Old records can be deleted by a test. */
  readonly truncation: Capability;
  /** What was acknowledged is there after {@linkcode EventLogFixture.reopen}. */
  readonly durable: Capability;
  /** Leaves nothing open; true where not given. See `conformanceTest`. */
  readonly clean?: boolean;
}

/** A topic of its own for each test, since a server is shared. */
export function freshTopic(): string {
  return `contract-${crypto.randomUUID()}`;
}

/** All records of `[from, to)`. */
export async function readAll(
  log: EventLog,
  topic: string,
  partition: number,
  from: number,
  to: number,
): Promise<LogRecord[]> {
  const batches: LogBatch[] = [];
  for await (const batch of log.read(topic, partition, from, to)) batches.push(batch);
  let position = from;
  for (const batch of batches) {
    assertEquals([batch.topic, batch.partition], [topic, partition]);
    assertEquals(batch.startOffset, position, "batches follow each other");
    position = batch.nextOffset;
  }
  if (from < to) assertEquals(position, to, "the last batch ends where the range does");
  return batches.flatMap((batch) => batch.records);
}

/** Registers the tests of the log. */
export function eventLogSuite(
  name: string,
  make: () => Promise<EventLogFixture>,
  traits: EventLogTraits,
): void {
  const test = conformanceTest(`EventLog ${name}`, make, traits);
  consumerSuite(name, make, traits);

  test("ensureTopics() makes what is missing and refuses another shape", async ({ port: log }) => {
    const topic = freshTopic();
    await assertCode(() => log.ranges(topic), "not_found");
    await log.ensureTopics([{ topic, partitions: 3 }]);
    await log.ensureTopics([{ topic, partitions: 3 }]);
    assertEquals(
      await log.ranges(topic),
      [0, 1, 2].map((p) => ({ partition: p, earliest: 0, end: 0 })),
    );
    await assertCode(() => log.ensureTopics([{ topic, partitions: 4 }]), "conflict");
    assertEquals((await log.ranges(topic)).length, 3);
  });

  test("send() acknowledges in order, with consecutive offsets a partition", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 3 }]);
    const producer = await log.producer();
    const keys = [...Array(20).keys()].map((i) => `key ${i}`);
    const records = keys.map((key) => ({ topic, key, value: bytes(key) }));
    const acknowledged = [
      ...await producer.send(records),
      ...await producer.send([{ topic, key: "key 0", value: null, partition: 2 }]),
    ];
    const ends = [0, 0, 0];
    const expected = [...keys.map((key) => partitionFor(key, 3)), 2].map((partition) => ({
      topic,
      partition,
      offset: ends[partition]!++,
    }));
    assertEquals(acknowledged, expected);
    assertEquals((await log.ranges(topic)).map((range) => range.end), ends);
    assertEquals(await producer.send([]), []);
    await producer.close();
  });

  test("send() carries overlapping calls out in order", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    const sent = [...Array(100).keys()].map((i) =>
      producer.send([{ topic, key: "k", value: bytes(`${i}`) }, { topic, key: "k", value: null }])
    );
    const offsets = (await Promise.all(sent)).flat().map((a) => a.offset);
    assertEquals(offsets, [...Array(200).keys()]);
    const records = await readAll(log, topic, 0, 0, 200);
    assertEquals(records.map((r) => r.offset), offsets);
    assertEquals(records[198]!.value, bytes("99"));
    await producer.close();
  });

  test("send() keeps keys and values to the byte, and what is null apart from what is empty", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    const values = [null, new Uint8Array(0), new Uint8Array([0, 255, 254, 128, 10]), bytes("ü🎈")];
    const records = [...AWKWARD, "../_cluster", "a/b"].flatMap((key) =>
      values.map((value) => ({ topic, key, value }))
    );
    await producer.send(records);
    const read = await readAll(log, topic, 0, 0, records.length);
    assertEquals(
      read.map(({ key, value }) => ({ topic, key, value: value && new Uint8Array(value) })),
      records,
    );
    await producer.close();
  });

  test("send() leaves the caller's buffer free once it resolves", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    const value = bytes("before");
    await producer.send([{ topic, key: "k", value }]);
    value.fill(0);
    assertEquals((await readAll(log, topic, 0, 0, 1))[0]!.value, bytes("before"));
    await producer.close();
  });

  test("send() refuses what cannot be appended, and others flow", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 2 }]);
    const producer = await log.producer();
    const value = bytes("v");
    const send = (more: object) => () => producer.send([{ topic, key: "k", value, ...more }]);
    await assertCode(send({ topic: freshTopic() }), "not_found");
    await assertCode(send({ partition: 2 }), "invalid");
    await assertCode(send({ partition: -1 }), "invalid");
    await assertCode(send({ value: new Uint8Array(traits.maxRecordBytes) }), "too_large");
    await producer.send([{ topic, key: "k", value, partition: 1 }]);
    assertEquals((await log.ranges(topic)).map((range) => range.end), [0, 1]);
    await producer.close();
    await assertCode(send({}), "stopped");
  });

  test("send() takes records up to its bound", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    // What a server's own framing takes of the bound is left free.
    const value = new Uint8Array(traits.maxRecordBytes - 1_000).map((_, i) => i * 7);
    for (let i = 0; i < 5; i++) await producer.send([{ topic, key: "big", value }]);
    for (const record of await readAll(log, topic, 0, 0, 5)) {
      assert(record.value!.every((byte, i) => byte === value[i]));
    }
    await producer.close();
  });

  test("timestamps are those of appending and never decrease", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    for (let i = 0; i < 20; i++) await producer.send([{ topic, key: `${i}`, value: null }]);
    const times = (await readAll(log, topic, 0, 0, 20)).map((record) => record.timestamp);
    assertEquals(times, times.toSorted((a, b) => a - b));
    assert(Math.abs(times[0]! - Date.now()) < 600_000, `${times[0]} is no time of today`);
    await producer.close();
  });

  test("read() gives exactly the range", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    const many = 12_345;
    const records = [...Array(many).keys()].map((i) => ({ topic, key: "k", value: bytes(`${i}`) }));
    await producer.send(records);
    const whole = await readAll(log, topic, 0, 0, many);
    assertEquals(whole.map((r) => r.offset), [...Array(many).keys()]);
    assert(whole.every((r) => new TextDecoder().decode(r.value!) === `${r.offset}`));
    for (
      const [from, to] of [[0, 1], [5, 5], [many, many], [many - 1, many], [4_999, 10_001]] as const
    ) {
      const offsets = (await readAll(log, topic, 0, from, to)).map((r) => r.offset);
      assertEquals(offsets, [...Array(to - from).keys()].map((i) => from + i));
    }
    await producer.close();
  });

  test("read() refuses a range that is not in the log and names what is missing", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    await producer.send([..."abc"].map((key) => ({ topic, key, value: null })));
    const error = await assertCode(() => readAll(log, topic, 0, 1, 9), "offset_out_of_range");
    assertStringIncludes(error.message, `${topic}-0`);
    assertStringIncludes(error.message, "3 to 9");
    await assertCode(() => readAll(log, freshTopic(), 0, 0, 1), "not_found");
    await assertCode(() => readAll(log, topic, 1, 0, 1), "not_found");
    await producer.close();
  });

  test("read() never jumps over deleted records", async ({ port: log, truncate }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    const producer = await log.producer();
    await producer.send([..."abcdef"].map((key) => ({ topic, key, value: null })));
    await truncate!(topic, 0, 4);
    assertEquals(await log.ranges(topic), [{ partition: 0, earliest: 4, end: 6 }]);
    const error = await assertCode(() => readAll(log, topic, 0, 1, 6), "offset_out_of_range");
    assertStringIncludes(error.message, "1 to 4");
    assertEquals((await readAll(log, topic, 0, 4, 6)).map((r) => r.key), ["e", "f"]);
    await producer.close();
  }, traits.truncation);

  test("close() of the log ends what uses it", async ({ port: log }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 1 }]);
    await log.close();
    await log.close();
    await assertCode(() => log.ranges(topic), "stopped");
    await assertCode(() => log.producer(), "stopped");
  });

  test("what was acknowledged is there after opening again", async ({ port: log, reopen }) => {
    const topic = freshTopic();
    await log.ensureTopics([{ topic, partitions: 2 }]);
    const producer = await log.producer();
    await producer.send([..."abc"].map((key) => ({ topic, key, value: bytes(key), partition: 1 })));
    const before = await readAll(log, topic, 1, 0, 3);
    const again = await reopen!();
    assertEquals(await readAll(again, topic, 1, 0, 3), before);
    const next = await again.producer();
    const sent = await next.send([{ topic, key: "d", value: null, partition: 1 }]);
    assertEquals(sent, [{ topic, partition: 1, offset: 3 }]);
    await next.close();
  }, traits.durable);
}

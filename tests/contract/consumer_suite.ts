/**
 * What every log's consumers must do.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Consumer, EventLog, LogBatch, Subscription } from "@pipeline/core";
import { type EventLogFixture, type EventLogTraits, freshTopic } from "./event_log_suite.ts";
import { assertCode, conformanceTest, eventually, pause } from "./suite.ts";

/** A consumer that notes what happens to it. */
class Recorder {
  readonly batches: LogBatch[] = [];
  readonly starts: string[] = [];
  readonly revoked: string[] = [];
  readonly positions = new Map<string, number>();
  consumer!: Consumer;

  get keys(): string[] {
    return this.batches.flatMap((batch) => batch.records.map((record) => record.key));
  }

  async join(log: EventLog, group: string, topic: string, more: Partial<Subscription> = {}) {
    this.consumer = await log.subscribe({
      group,
      topics: [topic],
      start: (topic, partition) => {
        this.starts.push(`${topic}-${partition}`);
        return Promise.resolve(this.positions.get(`${topic}-${partition}`) ?? 0);
      },
      batch: (batch) => {
        this.batches.push(batch);
        this.positions.set(`${batch.topic}-${batch.partition}`, batch.nextOffset);
        return Promise.resolve();
      },
      revoked: (topic, partition) => {
        this.revoked.push(`${topic}-${partition}`);
        return Promise.resolve();
      },
      ...more,
    });
    return this;
  }
}

/** Waits until somebody else has read all of a topic: whoever reads it at all has been given it. */
async function readBy(log: EventLog, topic: string, keys: readonly string[]): Promise<void> {
  const other = await new Recorder().join(log, group(), topic);
  await eventually(() => assertEquals(other.keys, keys));
  await other.consumer.stop();
}

const group = () => `contract-${crypto.randomUUID()}`;

/** A topic, and a function that appends keys to one of its partitions. */
async function topicOf(log: EventLog, partitions: number) {
  const topic = freshTopic();
  await log.ensureTopics([{ topic, partitions }]);
  const producer = await log.producer();
  return {
    topic,
    append: (keys: Iterable<string>, partition = 0) =>
      producer.send([...keys].map((key) => ({ topic, key, value: null, partition }))),
  };
}

/** Registers the tests of consumers. */
export function consumerSuite(
  name: string,
  make: () => Promise<EventLogFixture>,
  traits: EventLogTraits,
): void {
  const test = conformanceTest(`EventLog ${name}: consumer`, make, traits);

  test("gets every record once, in order, also those appended later", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 2);
    await append("abc", 0);
    await append("ABC", 1);
    const seen = await new Recorder().join(log, group(), topic);
    await eventually(() => assertEquals(seen.keys.length, 6));
    await append("de", 0);
    await append("DE", 1);
    await eventually(() => assertEquals(seen.keys.length, 10));
    await seen.consumer.stop();
    for (const [partition, keys] of [[0, "abcde"], [1, "ABCDE"]] as const) {
      const batches = seen.batches.filter((batch) => batch.partition === partition);
      assertEquals(batches.flatMap((b) => b.records.map((r) => r.key)).join(""), keys);
      assertEquals(batches.flatMap((b) => b.records.map((r) => r.offset)), [0, 1, 2, 3, 4]);
      let position = 0;
      for (const batch of batches) {
        assertEquals(batch.startOffset, position);
        position = batch.nextOffset;
      }
      assertEquals(position, 5);
    }
    assertEquals(seen.starts.sort(), [`${topic}-0`, `${topic}-1`]);
  });

  test("reads several topics, each from where it is told", async ({ port: log }) => {
    const one = await topicOf(log, 1);
    const two = await topicOf(log, 1);
    await one.append("abc");
    await two.append("xyz");
    const seen = await new Recorder().join(log, group(), "", {
      topics: [one.topic, two.topic],
      start: (topic) => Promise.resolve(topic === one.topic ? 1 : 3),
    });
    await eventually(() => assertEquals(seen.keys, ["b", "c"]));
    await two.append("!");
    await eventually(() => assertEquals(seen.keys, ["b", "c", "!"]));
    await seen.consumer.stop();
  });

  test("keeps marks for whoever watches, and never reads on from one", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 2);
    await append("abc", 1);
    const name = group();
    // Servers that were just started may have to find the group first.
    await eventually(async () => assertEquals(await log.marks(name, topic), [-1, -1]));
    const first = await new Recorder().join(log, name, topic);
    await eventually(() => assertEquals(first.keys.length, 3));
    await eventually(() => first.consumer.mark(topic, 1, 2));
    await eventually(() => first.consumer.mark(topic, 1, 3));
    assertEquals(await log.marks(name, topic), [-1, 3]);
    await first.consumer.stop();
    const second = await new Recorder().join(log, name, topic);
    await eventually(() => assertEquals(second.keys.length, 3));
    assertEquals(await log.marks(name, topic), [-1, 3]);
    assertEquals(await log.marks(group(), topic), [-1, -1]);
    await second.consumer.stop();
  });

  test("keeps batches to the size asked for", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append([...Array(250).keys()].map(String));
    const seen = await new Recorder().join(log, group(), topic, { maxRecords: 100 });
    await eventually(() => assertEquals(seen.keys.length, 250));
    assert(seen.batches.every((batch) => batch.records.length <= 100));
    await seen.consumer.stop();
  });

  test("waits with the next batch of a partition, and only of that one", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 2);
    await append("ab", 0);
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const seen = new Recorder();
    await seen.join(log, group(), topic, {
      maxRecords: 1,
      batch: async (batch) => {
        seen.batches.push(batch);
        if (batch.partition !== 0) return;
        assertEquals(++running, 1);
        await gate.promise;
        running--;
      },
    });
    await eventually(() => assertEquals(seen.keys, ["a"]));
    await append("c", 0);
    await append("X", 1);
    await eventually(() => assertEquals(seen.keys, ["a", "X"]));
    // What came before it would have been handed over by now.
    await append("Y", 1);
    await eventually(() => assertEquals(seen.keys, ["a", "X", "Y"]));
    gate.resolve();
    await eventually(() => assertEquals(seen.keys, ["a", "X", "Y", "b", "c"]));
    await seen.consumer.stop();
  });

  test("ends with what its batch threw", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("ab");
    const error = new TypeError("a test's own");
    let calls = 0;
    const consumer = await log.subscribe({
      group: group(),
      topics: [topic],
      maxRecords: 1,
      start: () => Promise.resolve(0),
      batch: () => {
        calls++;
        return Promise.reject(error);
      },
    });
    assertEquals(await assertRejects(() => consumer.done), error);
    await append("c");
    await readBy(log, topic, ["a", "b", "c"]);
    await consumer.stop();
    assertEquals(calls, 1);
  });

  test("ends with what its start threw", async ({ port: log }) => {
    const { topic } = await topicOf(log, 1);
    const error = new TypeError("a test's own");
    const seen = await new Recorder().join(log, group(), topic, {
      start: () => Promise.reject(error),
    });
    assertEquals(await assertRejects(() => seen.consumer.done), error);
    await seen.consumer.stop();
  });

  test("ends with what one start threw, while the others are under way", async ({ port: log }) => {
    const { topic } = await topicOf(log, 3);
    const error = new TypeError("a test's own");
    const others = Promise.withResolvers<number>();
    const seen = await new Recorder().join(log, group(), topic, {
      start: (_, partition) => partition === 1 ? Promise.reject(error) : others.promise,
    });
    const ended = assertRejects(() => seen.consumer.done);
    await pause(200);
    // They come to read what they do not read any more; nothing of that may be left to nobody.
    others.resolve(0);
    assertEquals(await ended, error);
    await seen.consumer.stop();
    // A rejection that is nobody's ends the run at the end of this turn.
    await pause(0);
  });

  test("lets the batch under way finish when stopped", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("ab");
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const events: string[] = [];
    const consumer = await log.subscribe({
      group: group(),
      topics: [topic],
      maxRecords: 1,
      start: () => Promise.resolve(0),
      batch: async () => {
        events.push("batch");
        entered.resolve();
        await gate.promise;
        events.push("handled");
      },
    });
    await entered.promise;
    const idle = await new Recorder().join(log, group(), topic);
    const stopping = consumer.stop().then(() => events.push("stopped"));
    // One that is not in the midst of a batch has stopped by now, though it was told later.
    await idle.consumer.stop();
    assertEquals(events, ["batch"]);
    gate.resolve();
    await stopping;
    await consumer.done;
    await append("c");
    await readBy(log, topic, ["a", "b", "c"]);
    assertEquals(events, ["batch", "handled", "stopped"]);
  });

  test("stops when idle, and twice", async ({ port: log }) => {
    const { topic } = await topicOf(log, 1);
    const seen = await new Recorder().join(log, group(), topic);
    await eventually(() => assertEquals(seen.starts.length, 1));
    await Promise.all([seen.consumer.stop(), seen.consumer.stop()]);
    await seen.consumer.done;
  });

  test("refuses a position beyond the end", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("abc");
    const seen = await new Recorder().join(log, group(), topic, {
      start: () => Promise.resolve(7),
    });
    const error = await assertCode(() => seen.consumer.done, "offset_out_of_range");
    assertStringIncludes(error.message, `${topic}-0`);
    assertStringIncludes(error.message, "3 to 7");
    assertEquals(seen.batches, []);
  });

  test("stops loudly at deleted records and names them", async ({ port: log, truncate }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("abcdef");
    await truncate!(topic, 0, 4);
    const seen = await new Recorder().join(log, group(), topic, {
      start: () => Promise.resolve(1),
    });
    const error = await assertCode(() => seen.consumer.done, "offset_out_of_range");
    assertStringIncludes(error.message, `${topic}-0`);
    assertStringIncludes(error.message, "1 to 4");
    assertEquals(seen.batches, []);
  }, traits.truncation);

  test("of an unknown topic is refused", async ({ port: log }) => {
    await assertCode(() => new Recorder().join(log, group(), freshTopic()), "not_found");
  });

  test("of another group gets all records too", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("abc");
    const one = await new Recorder().join(log, group(), topic);
    const two = await new Recorder().join(log, group(), topic);
    for (const seen of [one, two]) {
      await eventually(() => assertEquals(seen.keys, ["a", "b", "c"]));
      await seen.consumer.stop();
    }
  });

  test("shares the partitions with its group, and takes them over", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 4);
    const same = group();
    const positions = new Map<string, number>();
    const one = new Recorder();
    const two = new Recorder();
    Object.assign(one, { positions });
    Object.assign(two, { positions });
    await one.join(log, same, topic);
    await eventually(() => assertEquals(one.starts.length, 4));
    await two.join(log, same, topic);
    await eventually(() => assertEquals(new Set(two.starts).size, 2));
    await eventually(() => assert(one.revoked.length >= 2));
    for (let partition = 0; partition < 4; partition++) await append(`${partition}`, partition);
    await eventually(() => assertEquals(one.keys.length + two.keys.length, 4));
    assertEquals([one.keys.length, two.keys.length], [2, 2]);

    await two.consumer.stop();
    for (let partition = 0; partition < 4; partition++) await append(`${partition}`, partition);
    await eventually(() => assertEquals(one.keys.length, 6));
    assertEquals([...one.keys, ...two.keys].sort(), [..."00112233"]);
    await one.consumer.stop();
  }, traits.groups);

  test("gives a partition up only after its batch", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 2);
    await append("a", 0);
    await append("b", 1);
    const same = group();
    const gate = Promise.withResolvers<void>();
    const one = new Recorder();
    await one.join(log, same, topic, {
      batch: async (batch) => {
        await gate.promise;
        one.batches.push(batch);
      },
      revoked: (_, partition) => {
        assert(one.batches.some((batch) => batch.partition === partition));
        one.revoked.push(`${partition}`);
        return Promise.resolve();
      },
    });
    await eventually(() => assertEquals(one.starts.length, 2));
    const two = await new Recorder().join(log, same, topic);
    await pause(50);
    gate.resolve();
    await eventually(() => assertEquals(two.starts.length, 1));
    assert(one.revoked.length >= 1);
    await Promise.all([one.consumer.stop(), two.consumer.stop()]);
    await one.consumer.done;
  }, traits.groups);

  test("ends when the log is closed", async ({ port: log }) => {
    const { topic, append } = await topicOf(log, 1);
    await append("a");
    const seen = await new Recorder().join(log, group(), topic);
    await eventually(() => assertEquals(seen.keys, ["a"]));
    await log.close();
    await seen.consumer.done;
  });
}

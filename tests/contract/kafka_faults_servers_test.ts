/**
 * What goes wrong between the log's adapter and Kafka, shown on real brokers with proxies in between.
 * Numbers are those of docs/faults.md.
 */

import { type KafkaLog, openKafka } from "@pipeline/adapters/kafka";
import type { LogBatch, ProducerRecord } from "@pipeline/core";
import type { Logger } from "@pipeline/runtime";
import { sharedServers } from "@pipeline/tools/servers";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Kafka, logLevel } from "kafkajs";
import { pause } from "../support/demo.ts";
import { BrokerProxies, FETCH, PRODUCE } from "../support/tcp_proxy.ts";
import { assertCode, eventually } from "./suite.ts";

const servers = await sharedServers();
const proxied = servers.kafka.map((node) => node.proxied!);

const TOPIC = "records";
const PARTITIONS = 3;

interface Scene {
  readonly proxies: BrokerProxies;
  /** Through the proxies. */
  readonly log: KafkaLog;
  /** Straight to the brokers. */
  readonly witness: KafkaLog;
  /** What the names of topics and groups begin with on the brokers. */
  readonly prefix: string;
}

function test(name: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `Kafka: ${name}`,
    // The client leaves timers behind.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const prefix = `faults-${crypto.randomUUID().slice(0, 8)}-`;
      await using proxies = new BrokerProxies(proxied);
      const log = openKafka({ brokers: proxies.brokers, prefix, sessionTimeout: 6_000 });
      const witness = openKafka({ brokers: servers.kafka.map((n) => n.endpoint), prefix });
      try {
        await witness.ensureTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
        await body({ proxies, log, witness, prefix });
      } finally {
        await Promise.all([log.close(), witness.close()]);
      }
    },
  });
}

/** Records with contents of their own. */
function records(from: number, count: number): ProducerRecord[] {
  const encoder = new TextEncoder();
  return Array.from({ length: count }, (_, i) => ({
    topic: TOPIC,
    key: `key ${from + i}`,
    value: encoder.encode(`value ${from + i}`),
  }));
}

/** Everything in the log by place, such as `0@17`. */
async function everything(log: KafkaLog): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { partition, earliest, end } of await log.ranges(TOPIC)) {
    for await (const batch of log.read(TOPIC, partition, earliest, end)) {
      for (const { offset, value } of batch.records) {
        found.set(`${partition}@${offset}`, new TextDecoder().decode(value!));
      }
    }
  }
  return found;
}

test("case 4: the answers to appends are lost: one copy of each record", async (scene) => {
  const { log, proxies, witness } = scene;
  const producer = await log.producer();
  // The connections and the producer's number are there before anything is lost.
  await producer.send(records(0, 10));
  const acknowledged = new Map<string, string>();
  for (let round = 1; round <= 4; round++) {
    proxies.loseAnswers(PRODUCE);
    const sent = records(round * 100, 50);
    const answers = await producer.send(sent);
    for (const [i, { partition, offset }] of answers.entries()) {
      acknowledged.set(`${partition}@${offset}`, new TextDecoder().decode(sent[i]!.value!));
    }
  }
  assertEquals(proxies.lost, 4);
  const found = await everything(witness);
  assertEquals(acknowledged.size, 200);
  for (const [place, value] of acknowledged) assertEquals(found.get(place), value);
  assertEquals(found.size, 210, "a record is there twice");
});

test("case 4: one broker fails while another is slow: one copy of each record", async (scene) => {
  const { log, proxies, witness } = scene;
  const producer = await log.producer();
  await producer.send(records(0, 30));
  const acknowledged = new Map<string, string>();
  let round = 0;
  for (const broker of [0, 1, 2]) {
    for (const slow of [0, 1, 2]) {
      if (slow === broker) continue;
      // Longer than the pause before a retry: the slow broker's first answer is still to come.
      proxies.delayAnswers(PRODUCE, { broker: slow, ms: 1_000 });
      proxies.loseAnswers(PRODUCE, { broker });
      const sent = records(++round * 100, 30);
      const answers = await producer.send(sent);
      for (const [i, { partition, offset }] of answers.entries()) {
        acknowledged.set(`${partition}@${offset}`, new TextDecoder().decode(sent[i]!.value!));
      }
    }
  }
  assertEquals(proxies.lost, round);
  const found = await everything(witness);
  assertEquals(acknowledged.size, round * 30);
  for (const [place, value] of acknowledged) assertEquals(found.get(place), value);
  assertEquals(found.size, (round + 1) * 30, "a record is there twice");
});

test("case 4: connections are cut while records are sent: none is lost, none doubled", async (scene) => {
  const { log, proxies, witness } = scene;
  const producer = await log.producer();
  const sending: Promise<void>[] = [];
  const acknowledged = new Map<string, string>();
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const sent = records(round * 100, 20);
    sending.push(
      producer.send(sent).then((answers) => {
        for (const [i, { partition, offset }] of answers.entries()) {
          acknowledged.set(`${partition}@${offset}`, new TextDecoder().decode(sent[i]!.value!));
        }
      }, () => void (refused += sent.length)),
    );
    if (round % 12 === 11) proxies.cut();
    await pause(30);
  }
  await Promise.all(sending);
  const found = await everything(witness);
  for (const [place, value] of acknowledged) assertEquals(found.get(place), value);
  const values = [...found.values()];
  assertEquals(values.length, new Set(values).size, "a record is there twice");
  assertEquals(acknowledged.size + refused, 1_200);
  assert(refused < 200, `${refused} were refused`);
});

test("case 11: a record that is too large is refused alone, and others flow", async ({ log }) => {
  const producer = await log.producer();
  const large = { topic: TOPIC, key: "large", value: new Uint8Array(1 << 20) };
  const [, error] = await Promise.all([
    producer.send(records(0, 5)),
    assertCode(() => producer.send([large]), "too_large"),
    producer.send(records(5, 5)),
  ]);
  assertStringIncludes(error.message, "1048581");
});

test("a consumer whose connections are cut reads on, each record once and in order", async (scene) => {
  const { log, proxies, witness } = scene;
  const seen = new Map<number, number>();
  let count = 0;
  const consumer = await log.subscribe({
    group: "cut",
    topics: [TOPIC],
    start: (_, partition) => Promise.resolve(seen.get(partition) ?? 0),
    batch: ({ partition, records, startOffset, nextOffset }: LogBatch) => {
      assertEquals(startOffset, seen.get(partition) ?? 0);
      count += records.length;
      seen.set(partition, nextOffset);
      return Promise.resolve();
    },
  });
  const producer = await witness.producer();
  for (let round = 0; round < 40; round++) {
    await producer.send(records(round * 100, 25));
    if (round % 10 === 5) proxies.cut();
    await pause(50);
  }
  await eventually(() => assertEquals(count, 1_000), 60_000);
  await consumer.stop();
});

test("case 7: a batch that takes longer than the session keeps its partitions", async (scene) => {
  const { log, witness, prefix } = scene;
  const producer = await witness.producer();
  await producer.send(records(0, 300));
  const starts: number[] = [];
  let longest = 0;
  let done = 0;
  const consumer = await log.subscribe({
    group: "long",
    topics: [TOPIC],
    start: (_, partition) => {
      starts.push(partition);
      return Promise.resolve(0);
    },
    batch: async ({ records }) => {
      const started = performance.now();
      if (done === 0 && longest === 0) await pause(15_000);
      longest = Math.max(longest, performance.now() - started);
      done += records.length;
    },
  });
  await pause(10_000);
  const admin = new Kafka({
    brokers: servers.kafka.map((node) => node.endpoint),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([`${prefix}long`]);
  await admin.disconnect();
  assertEquals([groups[0]!.state, groups[0]!.members.length], ["Stable", 1]);
  await eventually(() => assertEquals(done, 300), 30_000);
  assert(longest >= 15_000);
  assertEquals(starts.toSorted(), [0, 1, 2], "a partition was assigned anew");
  await consumer.stop();
});

test("case 9: a start that the log no longer has is refused, with the lost range named", async (scene) => {
  const { log, witness, prefix } = scene;
  const producer = await witness.producer();
  await producer.send(records(0, 300));
  const [range] = await witness.ranges(TOPIC);
  const admin = new Kafka({
    brokers: servers.kafka.map((node) => node.endpoint),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await admin.fetchTopicMetadata({ topics: [`${prefix}${TOPIC}`] });
  const cut = String(range!.end - 10);
  const partitions = [{ partition: range!.partition, offset: cut }];
  await admin.deleteTopicRecords({ topic: `${prefix}${TOPIC}`, partitions });
  await admin.disconnect();
  const consumer = await log.subscribe({
    group: "late",
    topics: [TOPIC],
    start: () => Promise.resolve(3),
    batch: () => Promise.resolve(),
  });
  const error = await assertCode(() => consumer.done, "offset_out_of_range");
  assertStringIncludes(error.message, "3");
  assertStringIncludes(error.message, cut);
  await consumer.stop();
});

test("a batch that is damaged on its way stops only its partition, which goes on once it is whole", async (scene) => {
  const { proxies, witness, prefix } = scene;
  const lines: string[] = [];
  const logger = {
    debug() {},
    info: (message: string) => lines.push(`info ${message}`),
    warn() {},
    error: (message: string) => lines.push(`error ${message}`),
  } as unknown as Logger;
  const log = openKafka({ brokers: proxies.brokers, prefix }, { logger });
  const producer = await witness.producer();
  const send = (partition: number, value: string) =>
    producer.send([{ topic: TOPIC, key: "k", value: new TextEncoder().encode(value), partition }]);
  // Two batches: what comes before the damage is read.
  await send(1, "good");
  await send(1, "DAMAGED");
  await send(0, "zero");
  const text = new TextDecoder("latin1");
  proxies.change(FETCH, (answer) => {
    const at = text.decode(answer).indexOf("DAMAGED");
    if (at >= 0) answer[at] = 0;
  });
  const seen: string[] = [];
  const consumer = await log.subscribe({
    group: "damaged",
    topics: [TOPIC],
    start: () => Promise.resolve(0),
    batch: ({ partition, records }) => {
      for (const { value } of records) {
        seen.push(`${partition} ${new TextDecoder().decode(value!)}`);
      }
      return Promise.resolve();
    },
  });
  await eventually(() => assertEquals(consumer.stopped?.length, 1));
  await send(0, "zero, later");
  await send(2, "two, later");
  await eventually(() =>
    assertEquals(seen.toSorted(), ["0 zero", "0 zero, later", "1 good", "2 two, later"])
  );
  const why = `${prefix}${TOPIC}-1 stands still at offset 1: the batch has another checksum ` +
    `(CRC-32C) than its bytes`;
  const { why: _, ...at } = consumer.stopped![0]!;
  assertEquals(at, { topic: TOPIC, partition: 1, offset: 1, reason: "checksum" });
  assertEquals(consumer.stopped![0]!.why, why);
  assertEquals(lines.filter((line) => line.startsWith("error")), [`error ${why}`]);
  // Who must have all of it is told, and does not wait.
  const error = await assertCode(() => Array.fromAsync(log.read(TOPIC, 1, 0, 2)), "corrupt");
  assertEquals(error.message, why);

  proxies.change(FETCH, undefined);
  await eventually(() => assertEquals(seen.filter((line) => line === "1 DAMAGED").length, 1));
  await eventually(() => assertEquals(consumer.stopped, []));
  assertEquals(lines.at(-1), "info The partition can be read again");
  await consumer.stop();
  await log.close();
});

test("an error of the broker stops only its partition", async (scene) => {
  const { log, proxies, witness } = scene;
  const producer = await witness.producer();
  for (const partition of [0, 1, 2]) {
    await producer.send([{ topic: TOPIC, key: "k", value: new Uint8Array(9), partition }]);
  }
  let code = 2;
  // Of the first partition in an answer that has records: the error stands after its number.
  proxies.change(FETCH, (answer) => {
    const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
    const name = new TextEncoder().encode(`${scene.prefix}${TOPIC}`);
    const at = new TextDecoder("latin1").decode(answer).indexOf(new TextDecoder().decode(name));
    if (at < 0) return;
    const first = at + name.length + 4;
    if (view.getInt32(first) === 1) view.setInt16(first + 4, code);
  });
  const seen: number[] = [];
  const consumer = await log.subscribe({
    group: "broker",
    topics: [TOPIC],
    start: () => Promise.resolve(0),
    batch: ({ partition }) => {
      seen.push(partition);
      return Promise.resolve();
    },
  });
  await eventually(() => assertEquals(seen.toSorted(), [0, 2]));
  await eventually(() => assertEquals(consumer.stopped?.[0]?.reason, "broker"));
  code = 0;
  await eventually(() => assertEquals(seen.toSorted(), [0, 1, 2]));
  await consumer.stop();
});

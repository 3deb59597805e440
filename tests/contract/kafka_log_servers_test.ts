/**
 * What producers, brokers and settings of topics other than ours do to the log: every codec, large
 * batches, transactions, and retention that is configured anew. On real brokers, with Kafka's own
 * producer where it can.
 */

import { openKafka } from "@pipeline/adapters/kafka";
import type { LogBatch } from "@pipeline/core";
import type { Logger } from "@pipeline/runtime";
import { kafkaTool, sharedServers } from "@pipeline/tools/servers";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { assertCode, eventually } from "./suite.ts";

const servers = await sharedServers();
const brokers = servers.kafka.map((node) => node.endpoint);
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });

interface Scene {
  readonly log: ReturnType<typeof openKafka>;
  readonly admin: Admin;
  readonly topic: string;
}

function test(name: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `Kafka: ${name}`,
    // The client leaves timers behind.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const log = openKafka({ brokers, fetchBytes: "64KiB" });
      const admin = kafka.admin();
      await admin.connect();
      const topic = `log-${crypto.randomUUID().slice(0, 8)}`;
      try {
        await log.ensureTopics([{ topic, partitions: 1 }]);
        await body({ log, admin, topic });
      } finally {
        await Promise.all([log.close(), admin.disconnect()]);
      }
    },
  });
}

/** Everything up to the end, read and subscribed to alike. */
async function everything({ log, topic }: Scene): Promise<string[]> {
  const [range] = await log.ranges(topic);
  const values: string[] = [];
  const take = (to: string[], { records }: LogBatch) => {
    for (const { value } of records) to.push(value === null ? "" : new TextDecoder().decode(value));
  };
  let position = range!.earliest;
  for await (const batch of log.read(topic, 0, position, range!.end)) {
    assertEquals(batch.startOffset, position);
    position = batch.nextOffset;
    take(values, batch);
  }
  assertEquals(position, range!.end);
  const subscribed: string[] = [];
  let reached = range!.earliest;
  const consumer = await log.subscribe({
    group: crypto.randomUUID(),
    topics: [topic],
    start: () => Promise.resolve(reached),
    batch: (batch) => {
      reached = batch.nextOffset;
      take(subscribed, batch);
      return Promise.resolve();
    },
  });
  await eventually(() => assertEquals(reached, range!.end), 30_000);
  await consumer.stop();
  assertEquals(subscribed, values);
  return values;
}

/** Lines that compress as records do; some of them are long. */
function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const filler = "a sentence that comes again and again; ".repeat(i % 97 === 0 ? 100 : i % 7);
    return JSON.stringify({ post_id: `t3_${i}`, title: filler + i * 7_919, score: i });
  });
}

/** Kafka's own producer: the lines in an order of its own, many times, without keys. */
async function produceWithJava(topic: string, records: number, properties: string[]) {
  const payload = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(payload, lines(2_000).join("\n"));
    await kafkaTool("org.apache.kafka.tools.ProducerPerformance", [
      ...["--topic", topic, "--num-records", String(records), "--throughput", "-1"],
      ...["--payload-file", payload, "--producer-props", `bootstrap.servers=${brokers.join(",")}`],
      // A batch is as large as the topic allows: of snappy and LZ4 it holds many blocks.
      ...["acks=all", "linger.ms=500", "batch.size=900000", ...properties],
    ]);
  } finally {
    await Deno.remove(payload);
  }
}

for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
  test(`records that Java's producer compresses with ${codec} are all read`, async (scene) => {
    await produceWithJava(scene.topic, 20_000, [`compression.type=${codec}`]);
    const values = await everything(scene);
    assertEquals(values.length, 20_000);
    const known = new Set(lines(2_000));
    assert(values.every((value) => known.has(value)));
  });
}

test("records that the broker compresses anew are all read, whatever the codec", async (scene) => {
  const producer = kafka.producer();
  await producer.connect();
  const sent: string[] = [];
  for (const codec of ["snappy", "lz4", "zstd", "gzip", "uncompressed", "producer"]) {
    await alter(scene, { "compression.type": codec });
    const values = lines(500).map((line) => `${codec} ${line}`);
    await producer.send({ topic: scene.topic, messages: values.map((value) => ({ value })) });
    sent.push(...values);
  }
  await producer.disconnect();
  assertEquals(await everything(scene), sent);
  // Set-up takes it as it is.
  await alter(scene, { "compression.type": "lz4" });
  await scene.log.ensureTopics([{ topic: scene.topic, partitions: 1 }]);
});

test("a batch that is larger than what is asked for is read, also beside others", async (scene) => {
  const { log, topic } = scene;
  await alter(scene, { "max.message.bytes": String(8 << 20) });
  const other = `${topic}-other`;
  await log.ensureTopics([{ topic: other, partitions: 1 }]);
  const producer = kafka.producer();
  await producer.connect();
  const large = "x".repeat(3 << 20);
  await producer.send({ topic, messages: [{ value: "a" }] });
  await producer.send({ topic, messages: [{ value: large }] });
  await producer.send({ topic, messages: [{ value: "b" }] });
  for (let i = 0; i < 40; i++) {
    await producer.send({ topic: other, messages: [{ value: "y".repeat(60_000) }] });
  }
  await producer.disconnect();
  const seen = new Map<string, number>();
  const consumer = await log.subscribe({
    group: crypto.randomUUID(),
    topics: [other, topic],
    start: () => Promise.resolve(0),
    batch: ({ topic, records }) => {
      seen.set(topic, (seen.get(topic) ?? 0) + records.length);
      return Promise.resolve();
    },
  });
  await eventually(() => assertEquals([seen.get(topic), seen.get(other)], [3, 40]), 30_000);
  await consumer.stop();
  assertEquals(await everything(scene), ["a", large, "b"]);
});

test("headers, null keys, tombstones and deleted records are read as they are", async (scene) => {
  const { log, admin, topic } = scene;
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: [
      { key: "gone", value: "0" },
      { key: null, value: "1", headers: { trace: "abc", many: ["a", "b"] } },
      { key: "k", value: null },
      { key: "k", value: "3" },
    ],
  });
  await producer.disconnect();
  // The client must have heard of the topic.
  await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "1" }] });
  await eventually(async () => assertEquals((await log.ranges(topic))[0]!.earliest, 1));
  const records = (await Array.fromAsync(log.read(topic, 0, 1, 4))).flatMap((b) => b.records);
  assertEquals(records.map(({ offset, key, value }) => [offset, key, value?.[0]]), [
    [1, "", 49],
    [2, "k", undefined],
    [3, "k", 51],
  ]);
});

test("only what a transaction committed is read, and the end is where nothing is open", async (scene) => {
  const { log, topic } = scene;
  const open = async (id: string) => {
    const producer = kafka.producer({ transactionalId: `${topic}-${id}`, maxInFlightRequests: 1 });
    await producer.connect();
    return { producer, transaction: await producer.transaction() };
  };
  const say = (
    to: { send: Awaited<ReturnType<typeof open>>["transaction"]["send"] },
    value: string,
  ) => to.send({ topic, messages: [{ key: "\0\0\0\0", value }] });
  // What becomes of a transaction is in the log a moment after the producer knows it.
  const holds = (...values: string[]) =>
    eventually(async () => assertEquals(await everything(scene), values));
  const plain = kafka.producer();
  await plain.connect();
  const one = await open("one");
  const two = await open("two");
  await say(one.transaction, "one commits");
  await say(two.transaction, "two aborts");
  await say(plain, "plain 1");
  await say(one.transaction, "one commits, too");
  // Nobody knows yet what becomes of these.
  assertEquals((await log.ranges(topic))[0]!.end, 0);
  await one.transaction.commit();
  await holds("one commits");
  await two.transaction.abort();
  await holds("one commits", "plain 1", "one commits, too");
  const tail = await two.producer.transaction();
  await say(tail, "two aborts again");
  const before = (await log.ranges(topic))[0]!.end;
  await tail.abort();
  await eventually(async () => assert((await log.ranges(topic))[0]!.end >= before + 2));
  // The end of the log holds nothing but an aborted record and marks, and is reached all the same.
  await holds("one commits", "plain 1", "one commits, too");
  const hanging = await one.producer.transaction();
  await say(hanging, "one hangs");
  await say(plain, "plain 2");
  const [range] = await log.ranges(topic);
  await holds("one commits", "plain 1", "one commits, too");
  await hanging.commit();
  await eventually(async () => assert((await log.ranges(topic))[0]!.end > range!.end));
  await holds("one commits", "plain 1", "one commits, too", "one hangs", "plain 2");
  for (const producer of [one.producer, two.producer, plain]) await producer.disconnect();
});

test("transactions of Java's producer are read whole", async (scene) => {
  await produceWithJava(scene.topic, 5_000, [
    ...["compression.type=lz4", "batch.size=16000", "linger.ms=1"],
    ...["transactional.id=" + scene.topic, "transaction.timeout.ms=30000"],
  ]);
  assertEquals((await everything(scene)).length, 5_000);
});

/** Alters some settings of the scene's topic and leaves the others. */
async function alter({ admin, topic }: Scene, settings: Record<string, string>): Promise<void> {
  const before = await overrides(admin, topic);
  const configEntries = Object.entries({ ...before, ...settings })
    .map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
}

/** The settings that a topic has of its own. */
async function overrides(admin: Admin, topic: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  return Object.fromEntries(
    resources[0]!.configEntries
      .filter((entry) => (entry as unknown as { configSource: number }).configSource === 1)
      .map(({ configName, configValue }) => [configName, configValue]),
  );
}

test("ensureTopics() alters the retention to what is configured, and nothing else", async (scene) => {
  const { admin, topic } = scene;
  await alter(scene, { "compression.type": "lz4", "segment.bytes": "104857600" });
  const before = await overrides(admin, topic);
  const specs = [{ topic, partitions: 1 }];
  for (const [retention, ms] of [["30d", "2592000000"], ["2h", "7200000"]] as const) {
    const said: string[] = [];
    const logger = { info: (message: string) => said.push(message) } as unknown as Logger;
    const log = openKafka({ brokers, retention }, { logger });
    await log.ensureTopics(specs, { alter: false });
    assertEquals(said, []);
    await log.ensureTopics(specs);
    assertEquals(said.length, 1);
    for (const part of [topic, "retention.ms", `to ${ms}`]) assertStringIncludes(said[0]!, part);
    await eventually(async () =>
      assertEquals(await overrides(admin, topic), { ...before, "retention.ms": ms })
    );
    await log.ensureTopics(specs);
    assertEquals(said.length, 1, "nothing is left to alter");
    await log.close();
  }
});

test("ensureTopics() refuses settings by name under which the log cannot be trusted", async (scene) => {
  const refused = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "CreateTime",
    "unclean.leader.election.enable": "true",
  };
  for (const [name, value] of Object.entries(refused)) {
    const before = (await overrides(scene.admin, scene.topic))[name]!;
    await alter(scene, { [name]: value });
    const error = await eventually(() =>
      assertCode(() => scene.log.ensureTopics([{ topic: scene.topic, partitions: 1 }]), "conflict")
    );
    for (const part of [scene.topic, name, value]) assertStringIncludes(error.message, part);
    await alter(scene, { [name]: before });
  }
});

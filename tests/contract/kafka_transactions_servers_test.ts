/**
 * Transactions of several producers, committed, aborted and left open between one another, through
 * ingest, speed and batch: only what was committed counts, and nobody waits for what is open.
 */

import { openKafka } from "@pipeline/adapters/kafka";
import { openMemory } from "@pipeline/adapters/testing";
import { runBatch, verify } from "@pipeline/batch";
import { encodeRecord, TOPICS } from "@pipeline/core";
import { Ingest } from "@pipeline/ingest";
import { CommitLog, readAll, readEnds, readFolded } from "@pipeline/protocol";
import { patient } from "@pipeline/runtime";
import { Speed } from "@pipeline/speed";
import { sharedServers } from "@pipeline/tools/servers";
import { assert, assertEquals } from "@std/assert";
import { Kafka, logLevel, type Message, type Transaction } from "kafkajs";
import { post, SETTINGS, START } from "../layers/_world.ts";
import { eventually } from "./suite.ts";

const servers = await sharedServers();
const brokers = servers.kafka.map((node) => node.endpoint);
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });

const TOPIC = "reddit.posts";
const PARTITIONS = 2;
const PRODUCERS = 3;
const STEPS = 60;

/** Does things to a topic by chance, and knows which posts count. */
class Chance {
  /** Ids of the posts that were committed, or sent in no transaction. */
  readonly counted = new Set<string>();
  readonly #open: ({ transaction: Transaction; ids: string[] } | undefined)[] = [];
  #seed: number;
  #posts = 0;

  private constructor(
    seed: number,
    readonly topic: string,
    readonly producers: readonly ReturnType<typeof kafka.producer>[],
  ) {
    this.#seed = seed;
  }

  static async start(seed: number, topic: string): Promise<Chance> {
    const producers = Array.from(
      { length: PRODUCERS },
      (_, i) => kafka.producer({ transactionalId: `${topic}-${i}`, maxInFlightRequests: 1 }),
    );
    producers.push(kafka.producer());
    for (const producer of producers) await producer.connect();
    return new Chance(seed, topic, producers);
  }

  /** A whole number below `n` (mulberry32). */
  #below(n: number): number {
    this.#seed = this.#seed + 0x6d2b79f5 | 0;
    let t = Math.imul(this.#seed ^ this.#seed >>> 15, 1 | this.#seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % n;
  }

  #messages(): { ids: string[]; messages: Message[] } {
    const ids = Array.from({ length: 1 + this.#below(4) }, () => `p${this.#posts++}`);
    const messages = ids.map((id) => ({
      key: id,
      value: encodeRecord(post(id, START)),
      partition: this.#below(PARTITIONS),
    }));
    return { ids, messages };
  }

  async step(): Promise<void> {
    const who = this.#below(PRODUCERS + 1);
    const producer = this.producers[who]!;
    const { ids, messages } = this.#messages();
    if (who === PRODUCERS) {
      await producer.send({ topic: this.topic, messages });
      ids.forEach((id) => this.counted.add(id));
      return;
    }
    const open = this.#open[who] ??= { transaction: await producer.transaction(), ids: [] };
    await open.transaction.send({ topic: this.topic, messages });
    open.ids.push(...ids);
    const fate = this.#below(5);
    if (fate < 2) await this.#decide(who, fate === 0);
  }

  /** Ends what is open, by chance this way or that. */
  async settle(): Promise<void> {
    for (let who = 0; who < PRODUCERS; who++) {
      if (this.#open[who] !== undefined) await this.#decide(who, this.#below(2) === 0);
    }
  }

  async #decide(who: number, commit: boolean): Promise<void> {
    const { transaction, ids } = this.#open[who]!;
    this.#open[who] = undefined;
    if (commit) {
      await transaction.commit();
      ids.forEach((id) => this.counted.add(id));
    } else await transaction.abort();
  }

  async stop(): Promise<void> {
    for (const producer of this.producers) await producer.disconnect();
  }
}

const random = crypto.getRandomValues(new Int32Array(1))[0]!;
for (const seed of [7, random]) {
  Deno.test({
    name: `only committed transactions count, in all layers (seed ${seed})`,
    // The client leaves timers behind.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => run(seed),
  });
}

async function run(seed: number): Promise<void> {
  const prefix = `tx-${crypto.randomUUID().slice(0, 8)}-`;
  const { dataset, store } = openMemory();
  // As the jobs have them: leaders of topics that were just made may still move.
  const ports = patient({ log: openKafka({ brokers, prefix }), dataset, store }, {});
  const { log } = ports;
  const specs = [...TOPICS, "reddit.dlq"].map((topic) => ({ topic, partitions: PARTITIONS }));
  await log.ensureTopics(specs);
  const chance = await Chance.start(seed, prefix + TOPIC);
  const settings = { ...SETTINGS, partitions: PARTITIONS, catchUpTimeout: 20_000 };
  const ingest = await Ingest.start({
    ...ports,
    settings: { flush: { records: 10, bytes: 1e6, age: 50 }, maxFuture: 0 },
  });
  const speed = Speed.start({
    ...ports,
    settings: { flushInterval: 20, maxDocuments: 1_000_000, pollInterval: 20 },
  });
  /** Ids in the dataset. */
  const ingested = async () => {
    const ids: string[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { commits } = await new CommitLog(dataset).read(TOPIC, partition, 0);
      for (const { path } of commits.flatMap(({ files }) => files)) {
        const text = new TextDecoder().decode(await readAll(dataset, `/data/${path}`));
        for (const line of text.trim().split("\n")) ids.push(JSON.parse(line).post_id);
      }
    }
    return ids.toSorted();
  };
  /** Waits until ingest and speed have got to the end of what can be read. */
  const atEnd = () =>
    eventually(async () => {
      const ends = (await readEnds(log, PARTITIONS))[TOPIC];
      const committed = ingest.committed().filter(({ topic }) => topic === TOPIC)
        .toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
      assertEquals(committed, [...ends]);
      const folded = await readFolded(store, (await store.current())!);
      for (const { topic, partition, next_offset } of folded) {
        if (topic === TOPIC) assertEquals(next_offset, ends[partition]);
      }
    });
  try {
    await runBatch({ ...ports, settings });
    for (let part = 0; part < 3; part++) {
      for (let step = 0; step < STEPS / 3; step++) await chance.step();
      // With transactions that are open: nobody waits for them.
      await atEnd();
      await runBatch({ ...ports, settings });
      const { exact, first } = await verify({ ...ports });
      assert(exact, JSON.stringify(first));
      const known = new Set(await ingested());
      assertEquals([...known].filter((id) => !chance.counted.has(id)), [], "not committed");
    }
    await chance.settle();
    await eventually(async () => assertEquals(await ingested(), [...chance.counted].toSorted()));
    await atEnd();
    for (let run = 0; run < 2; run++) {
      const { exact, first } = await verify({ ...ports, merged: true });
      assert(exact, JSON.stringify(first));
      const { manifest } = await runBatch({ ...ports, settings });
      assertEquals(manifest.records, chance.counted.size);
    }
  } finally {
    await Promise.allSettled([ingest.stop(), speed.stop()]);
    await chance.stop();
    await log.close();
  }
}

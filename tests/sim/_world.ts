/**
 * What outlives every process: the ports, and what was acknowledged.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type MemoryPorts, openMemory } from "@pipeline/adapters/testing";
import {
  encodeRecord,
  type Entity,
  hashText,
  type LogProducer,
  partitionName,
  TOPICS,
} from "@pipeline/core";
import { CommitLog, hourFolder, readFolded, STAGING } from "@pipeline/protocol";
import type { LedgerEntry } from "@pipeline/batch";
import { Community, type CommunityOptions, type Item, SPECS } from "./_community.ts";
import { Random } from "./_random.ts";
import { Scheduler } from "./_scheduler.ts";

/** An acknowledged record. */
export interface Acknowledged extends Item {
  readonly partition: number;
  readonly offset: number;
}

/** How a world differs from others. */
export interface WorldOptions extends CommunityOptions {
  readonly partitions?: number;
  /** Whether partitions are reassigned while their owner still works. */
  readonly abrupt?: boolean;
  /** Puts something in the place of the ports, for everybody: how rules are broken on purpose. */
  readonly instead?: (ports: MemoryPorts) => MemoryPorts;
}

/** The shared state of one simulation. */
export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly ports: MemoryPorts;
  readonly community: Community;
  readonly partitions: number;
  /** By topic-partition and offset. */
  readonly acknowledged = new Map<string, Map<number, Acknowledged>>();
  /** Facts of historical loads, by the name of the load. */
  readonly history = new Map<string, readonly Entity[]>();
  /** Probability with which a partition is read again from further back. */
  redelivery = 0;
  /** Records that were acknowledged. */
  produced = 0;
  #producer: Promise<LogProducer>;

  constructor(readonly seed: number, options: WorldOptions = {}) {
    this.random = new Random(seed);
    this.scheduler = new Scheduler(this.random, Date.UTC(2026, 2, 14, 23, 50));
    this.partitions = options.partitions ?? 3;
    const clock = this.scheduler.now;
    const ports = openMemory({
      clock,
      abrupt: options.abrupt ?? false,
      redeliver: ({ position, range }) =>
        this.redelivery > 0 && this.random.chance(this.redelivery)
          ? Math.max(range.earliest, position - this.random.int(40))
          : undefined,
    });
    this.ports = options.instead?.(ports) ?? ports;
    this.community = new Community(this.random, clock, options);
    this.#producer = this.ports.log.ensureTopics(SPECS(this.partitions))
      .then(() => this.ports.log.producer());
  }

  /** Produces the next records. */
  async produce(count: number): Promise<Acknowledged[]> {
    return await this.send(Array.from({ length: count }, () => this.community.next()));
  }

  /** Produces certain records. */
  async send(items: readonly Item[]): Promise<Acknowledged[]> {
    const producer = await this.#producer;
    const acknowledgements = await producer.send(items);
    return items.map((item, i) => {
      const { partition, offset } = acknowledgements[i]!;
      const acknowledged = { ...item, partition, offset };
      const name = partitionName(item.topic, partition);
      const known = this.acknowledged.get(name) ?? new Map<number, Acknowledged>();
      this.acknowledged.set(name, known.set(offset, acknowledged));
      this.produced++;
      return acknowledged;
    });
  }

  /** Stages a historical load, as the generator does. */
  async stage(load: string, facts: readonly Entity[]): Promise<void> {
    const folders = Map.groupBy(facts, (fact) => hourFolder(topics[fact.kind], fact.timestamp));
    const files = [];
    for (const [folder, members] of folders) {
      const path = `${folder}/data_0.json`;
      const bytes = new TextEncoder().encode(members.map((m) => `${encodeRecord(m)}\n`).join(""));
      await this.ports.dataset.write(`${STAGING}/${load}/${path}`, bytes);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      files.push({ path, records: members.length, bytes: bytes.length, sha256 });
    }
    const manifest = new TextEncoder().encode(JSON.stringify({ load, files }));
    await this.ports.dataset.write(`${STAGING}/${load}/_manifest.json`, manifest);
    this.history.set(load, facts);
  }

  /** Whether all that was produced is committed, and folded where a generation is served. */
  async isDrained(): Promise<boolean> {
    return await this.behind() === undefined;
  }

  /** A partition that is not committed or not folded to its end. */
  async behind(): Promise<string | undefined> {
    const { log, dataset, store } = this.ports;
    const generation = await store.current();
    const folded = generation === undefined ? undefined : await readFolded(store, generation);
    for (const topic of TOPICS) {
      for (const { partition, end } of await log.ranges(topic)) {
        const name = partitionName(topic, partition);
        const last = await new CommitLog(dataset).last(topic, partition);
        if ((last?.end ?? 0) < end) return `${name} is committed to ${last?.end} of ${end}`;
        if (folded === undefined) continue;
        const next = folded.find((f) => f.topic === topic && f.partition === partition);
        if ((next?.next_offset ?? -1) < end) {
          return `${name} is folded to ${next?.next_offset} of ${end} in generation ${generation}`;
        }
      }
    }
  }

  /** The ledger of what was acknowledged, as a generator writes it: with canonical values. */
  async *ledger(): AsyncGenerator<LedgerEntry> {
    for (const records of this.acknowledged.values()) {
      for (const { topic, partition, offset, key, fact } of records.values()) {
        const hash = fact === undefined ? "0000000000000000" : hashText(encodeRecord(fact));
        yield { topic, partition, offset, id: key, hash };
      }
    }
  }
}

const topics = {
  post: "reddit.posts",
  comment: "reddit.comments",
  user: "reddit.users",
} as const;

/**
 * Runs work whose random names come from the seed, and whose digests are made at once
 * (those of the platform come from other threads, whenever they like).
 */
export async function seeded<T>(random: Random, work: () => Promise<T>): Promise<T> {
  const { randomUUID } = crypto;
  const { digest } = crypto.subtle;
  const names = new Random(random.int(2 ** 31));
  crypto.randomUUID = () => names.uuid();
  crypto.subtle.digest = (_algorithm, data) => {
    const hash = createHash("sha256").update(data as Uint8Array).digest();
    return Promise.resolve(new Uint8Array(hash).buffer);
  };
  try {
    return await work();
  } finally {
    crypto.randomUUID = randomUUID;
    crypto.subtle.digest = digest;
  }
}

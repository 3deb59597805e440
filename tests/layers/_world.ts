/**
 * A small world on memory ports: records in commits, and folds that
 * follow the generations.
 *
 * @module
 */

import type { BatchSettings } from "@pipeline/batch";
import { type MemoryPorts, openMemory } from "@pipeline/adapters/testing";
import {
  type Comment,
  DEFAULT_SETTINGS,
  documentId,
  encodeRecord,
  type Entity,
  hashBytes,
  type Post,
  type ServingStore,
  type Topic,
  topicOf,
  type ViewDocument,
  VIEWS,
} from "@pipeline/core";
import {
  type Commit,
  CommitLog,
  type CommittedFile,
  hourFolder,
  recordHash,
} from "@pipeline/protocol";
import { Speed } from "@pipeline/speed";

/** 2026-03-01T00:00:00Z. */
export const START: number = Date.UTC(2026, 2, 1);

/** Milliseconds of an hour. */
export const HOUR = 3_600_000;

/** Settings of one partition that wait for nothing. */
export const SETTINGS: BatchSettings = {
  views: DEFAULT_SETTINGS,
  partitions: 1,
  keep: 1_000,
  retention: { minutes: 0, hours: 0, days: 0 },
  catchUpTimeout: 5_000,
  pollInterval: 5,
  lockLease: 60_000,
};

/** A post that is announced at `created`, or looks so at `timestamp`. */
export function post(id: string, created: number, more: Partial<Post> = {}): Post {
  return {
    kind: "post",
    post_id: id,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: created,
    timestamp: created,
    ...more,
  };
}

/** A comment that is announced at `created`. */
export function comment(id: string, created: number, more: Partial<Comment> = {}): Comment {
  return {
    kind: "comment",
    comment_id: id,
    post_id: "p1",
    user_id: "bob",
    content: "",
    score: 1,
    created_utc: created,
    timestamp: created,
    ...more,
  };
}

/** Ports with a way to commit records as ingest does. */
export class World {
  readonly ports: MemoryPorts = openMemory();
  readonly #ends = new Map<Topic, number>();

  /** Appends records to the log alone, where ingest finds them. */
  async produce(records: readonly Entity[]): Promise<void> {
    const { log } = this.ports;
    await log.ensureTopics(TOPIC_SPECS);
    const producer = await log.producer();
    await producer.send(
      records.map((fact) => ({ topic: topicOf(fact), key: "k", value: bytesOf(fact) })),
    );
    await producer.close();
  }

  /** Commits records to the log and to the dataset. */
  async commit(records: readonly Entity[]): Promise<void> {
    const { dataset } = this.ports;
    await this.produce(records);
    const byTopic = Map.groupBy(records, topicOf);
    for (const [topic, facts] of byTopic) {
      const start = this.#ends.get(topic) ?? 0;
      const end = start + facts.length;
      this.#ends.set(topic, end);
      const encoder = new TextEncoder();
      const files: CommittedFile[] = [];
      for (const [folder, hour] of Map.groupBy(facts, (f) => hourFolder(topic, f.timestamp))) {
        const bytes = encoder.encode(hour.map((fact) => `${encodeRecord(fact)}\n`).join(""));
        const path = `${folder}/data_0_${start}-${end}.json`;
        await dataset.write(`/data/${path}`, bytes);
        files.push({ path, records: hour.length, bytes: bytes.length, hash: hashBytes(bytes) });
      }
      const value = bytesOf(facts.at(-1)!);
      const last = { offset: end - 1, hash: recordHash({ key: "k", value }) };
      const commit: Commit = {
        topic,
        partition: 0,
        start,
        end,
        files,
        records: facts.length,
        dead_letters: [],
        last,
        token: `t${start}`,
      };
      await new CommitLog(dataset).publish(commit, `/data/_tmp/t/${topic}-${start}`);
    }
  }

  /** Runs work beside a speed layer, which writes to the given store if there is one. */
  async withSpeed<T>(
    work: (speed: Speed) => Promise<T>,
    { store = this.ports.store }: { readonly store?: ServingStore } = {},
  ): Promise<T> {
    const speed = Speed.start({
      ...this.ports,
      store,
      settings: { flushInterval: 2, maxDocuments: 1_000_000, pollInterval: 2 },
    });
    try {
      return await work(speed);
    } finally {
      await speed.stop();
    }
  }

  /** The documents of one layer, by view and id. */
  async documents(
    generation: number,
    layer: "batch" | "speed",
  ): Promise<Map<string, ViewDocument>> {
    const found = new Map<string, ViewDocument>();
    for (const view of VIEWS) {
      const query = { layer, order: "id", limit: 10_000 } as const;
      const { documents } = await this.ports.store.search(generation, view, query);
      for (const { body } of documents) found.set(`${view} ${documentId(body)}`, body);
    }
    return found;
  }
}

const bytesOf = (fact: Entity) => new TextEncoder().encode(encodeRecord(fact));

const TOPIC_SPECS = ["reddit.posts", "reddit.comments", "reddit.users", "reddit.dlq"].map(
  (topic) => ({ topic, partitions: 1 }),
);

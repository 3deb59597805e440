/**
 * A generation in a memory store, built from records whose layer and partition a
 * test chooses; and the oracle that folds all of them at once.
 *
 * @module
 */

import {
  BATCH_PART,
  compareRank,
  DEFAULT_SETTINGS,
  definitionHash,
  documentId,
  eachOffset,
  type Entity,
  keyOf,
  type OffsetVector,
  offsetVector,
  partitionFor,
  partitionName,
  type PostDocument,
  RETAIN_ALL,
  type RetainedFrom,
  type ServingStore,
  topicOf,
  type TopicPartition,
  type ViewDocument,
  viewOf,
  VIEWS,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import { writeFolded, writeManifest } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";

/** How a generation is built. */
export interface WorldOptions {
  /** Its number; 1 by default. */
  readonly generation?: number;
  /** Partitions of each topic. */
  readonly partitions?: number;
  /** Posts that batch keeps per subreddit; all by default. */
  readonly keep?: number;
  /** The start of retention; everything is kept by default. */
  readonly retained?: RetainedFrom;
  /** The settings of the views; the defaults if absent. */
  readonly settings?: ViewSettings;
  /** Partitions without a fold, e.g. `reddit.posts-0`. */
  readonly unfolded?: readonly string[];
}

/** Noon of a fixed day. */
export const NOON: number = Date.UTC(2026, 0, 31, 12);

/** An announced post. */
export function post(fields: Partial<Extract<Entity, { kind: "post" }>> = {}): Entity {
  const created_utc = fields.created_utc ?? NOON;
  return {
    kind: "post",
    post_id: "t3_1",
    user_id: "u_1",
    subreddit: "deno",
    title: "Title",
    content: "",
    score: 1,
    num_comments: 0,
    timestamp: created_utc,
    ...fields,
    created_utc,
  };
}

/** An announced comment. */
export function comment(fields: Partial<Extract<Entity, { kind: "comment" }>> = {}): Entity {
  const created_utc = fields.created_utc ?? NOON;
  return {
    kind: "comment",
    comment_id: "t1_1",
    post_id: "t3_1",
    user_id: "u_1",
    subreddit: "deno",
    content: "",
    score: 1,
    timestamp: created_utc,
    ...fields,
    created_utc,
  };
}

/** A user record. */
export function user(fields: Partial<Extract<Entity, { kind: "user" }>> = {}): Entity {
  const name = { user_id: "u_1", username: "one", karma: 10 };
  return { kind: "user", created_utc: NOON, timestamp: NOON, ...name, ...fields };
}

/** Records by the layer that has folded them. */
export interface Layers {
  /** Below the horizon. */
  readonly batch?: readonly Entity[];
  /** From the horizon on. */
  readonly speed?: readonly Entity[];
}

/** A store whose aliases name one generation with these records. */
export async function buildStore(layers: Layers, options: WorldOptions = {}): Promise<MemoryStore> {
  const store = new MemoryStore();
  await addGeneration(store, layers, options);
  await store.switchTo(options.generation ?? 1, undefined);
  return store;
}

/** Adds a generation without moving the aliases. */
export async function addGeneration(
  store: ServingStore,
  layers: Layers,
  options: WorldOptions = {},
): Promise<void> {
  const { batch = [] } = layers;
  const { generation = 1, keep = Infinity, retained = RETAIN_ALL } = options;
  const { settings = DEFAULT_SETTINGS } = options;
  await store.createGeneration(generation);
  const state = new ViewState(settings, { retained });
  for (const record of batch) state.add(record);
  await put(store, generation, cut([...state.documents(BATCH_PART)], keep));
  const manifest = {
    generation,
    state: "live",
    horizon: ends(batch, options),
    history: [],
    definition: definitionHash(settings),
    settings,
    retained_from: retained,
    keep: Number.isFinite(keep) ? keep : 1_000_000,
    records: batch.length,
    unresolved: 0,
    updated: NOON,
  } as const;
  await writeManifest(store, manifest, 0);
  await foldSpeed(store, layers, options);
}

/** Writes all documents of speed; call it again with more records to continue a fold. */
export async function foldSpeed(
  store: ServingStore,
  { batch = [], speed = [] }: Layers,
  options: WorldOptions = {},
): Promise<void> {
  const { generation = 1, unfolded = [], retained = RETAIN_ALL } = options;
  const { settings = DEFAULT_SETTINGS } = options;
  for (const { topic, partition, offset } of eachOffset(ends([...batch, ...speed], options))) {
    const part = partitionName(topic, partition);
    if (unfolded.includes(part)) continue;
    const fold = new ViewState(settings, { retained });
    const records = ofPartition(speed, { topic, partition }, options);
    for (const record of records) fold.add(record);
    await put(store, generation, [...fold.documents(part)], offset);
    const none = { dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0 };
    const counts = { records: records.length, keys: fold.keys, ...none };
    await writeFolded(store, generation, [{ topic, partition, next_offset: offset, ...counts }]);
  }
}

/** The end of a log that holds these records. */
export function ends(records: readonly Entity[], options: WorldOptions = {}): OffsetVector {
  const { partitions = 3 } = options;
  return offsetVector(
    partitions,
    (topic, partition) => ofPartition(records, { topic, partition }, options).length,
  );
}

/** The records of a partition, in their order. */
export function ofPartition(
  records: readonly Entity[],
  { topic, partition }: TopicPartition,
  { partitions = 3 }: WorldOptions = {},
): Entity[] {
  return records.filter((record) =>
    topicOf(record) === topic && partitionFor(keyOf(record), partitions) === partition
  );
}

async function put(
  store: ServingStore,
  generation: number,
  documents: readonly ViewDocument[],
  version = 1,
): Promise<void> {
  for (const view of VIEWS) {
    const own = documents.filter((document) => viewOf(document) === view);
    await store.write(
      generation,
      view,
      own.map((body) => ({ id: documentId(body), version, body })),
    );
  }
}

/** Cuts subreddits with more posts than batch keeps. */
function cut(documents: readonly ViewDocument[], keep: number): ViewDocument[] {
  const kept = documents.filter(({ type }) => type !== "post");
  const posts = documents.filter((document): document is PostDocument => document.type === "post");
  for (const [subreddit, group] of Map.groupBy(posts, (post) => post.subreddit)) {
    const best = group.toSorted(compareRank).slice(0, keep);
    kept.push(...best);
    if (best.length === group.length) continue;
    const { score, created_utc, post_id } = best.at(-1)!;
    const timestamp = Math.max(...group.map((post) => post.timestamp));
    const part = BATCH_PART;
    kept.push({ type: "cut", part, subreddit, post_id, score, created_utc, timestamp });
  }
  return kept;
}

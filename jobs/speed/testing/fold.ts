/**
 * A fold of one generation on ports in memory, whose log a test may deliver by hand.
 *
 * @module
 */

import {
  type MemoryPorts,
  openMemory,
  type Ports,
  withSubscribe,
} from "@pipeline/adapters/testing";
import {
  type Consumer,
  encodeRecord,
  type EventLog,
  offsetVector,
  type StoppedPartition,
  type Subscription,
  TOPICS,
} from "@pipeline/core";
import { type LastRecords, type Manifest, readFolded } from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { GenerationFold, type GenerationFoldOptions } from "../generation_fold.ts";

export const POSTS = "reddit.posts";
export const DAY_START = Date.UTC(2026, 2, 1);

/** A generation of one partition per topic, with the same horizon everywhere. */
function manifest(horizon: number): Manifest {
  const ends = offsetVector(1, (topic) => topic === POSTS ? horizon : 0);
  return emptyManifest({ horizon: ends });
}

/** Passes and reports on request only, except for the first time. */
export const SETTINGS = {
  flushInterval: 3_600_000,
  maxDocuments: 1_000_000,
  pollInterval: 3_600_000,
};

export const post = (id: string) =>
  new TextEncoder().encode(encodeRecord({
    kind: "post",
    post_id: id,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: DAY_START,
    timestamp: DAY_START,
  }));

export async function world(partitions = 1): Promise<MemoryPorts> {
  const ports = openMemory({ clock: () => DAY_START, refresh: "manual" });
  await ports.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions })));
  await ports.store.createGeneration(1);
  return ports;
}

/** Appends to the posts. */
export async function append(log: EventLog, ...values: (Uint8Array | null)[]): Promise<void> {
  const producer = await log.producer();
  await producer.send(values.map((value) => ({ topic: POSTS, key: "k", value })));
  await producer.close();
}

/** The stored folded offset of the posts; `undefined` if there is none. */
export async function said({ store }: Pick<MemoryPorts, "store">): Promise<number | undefined> {
  return (await readFolded(store, 1)).find(({ topic }) => topic === POSTS)?.next_offset;
}

/** Starts a fold, lets it run as far as no time must pass, and flushes once. */
export async function started(
  ports: Pick<Ports, "log" | "store">,
  { horizon = 0, last = {}, ...more }:
    & Partial<Pick<GenerationFoldOptions, "settings" | "onFold" | "onWrite" | "turns" | "before">>
    & { readonly horizon?: number; readonly last?: LastRecords } = {},
) {
  const clock = new TestClock();
  const { log, store } = ports;
  const generation = { ...manifest(horizon), last };
  const options = { log, store, manifest: generation, settings: SETTINGS, clock, ...more };
  const fold = await GenerationFold.start(options);
  await clock.advance(0);
  await fold.flush().catch(() => {});
  return { fold, clock };
}

/** A log whose subscriber the test controls. */
export function byHand(log: EventLog) {
  const hand: { subscriber?: Subscription; stopped: StoppedPartition[] } = { stopped: [] };
  const consumer: Consumer = {
    done: Promise.withResolvers<void>().promise,
    stop: () => Promise.resolve(),
    mark: () => Promise.resolve(),
    get stopped() {
      return hand.stopped;
    },
  };
  const subscribe: EventLog["subscribe"] = (subscriber) => {
    hand.subscriber = subscriber;
    return Promise.resolve(consumer);
  };
  return { hand, log: withSubscribe(log, subscribe) };
}

/** Posts that the log has appended a millisecond apart. */
export function batch(startOffset: number, ids: readonly string[]) {
  const records = ids.map((id, i) => {
    const offset = startOffset + i;
    return { offset, key: "k", value: post(id), timestamp: DAY_START + offset };
  });
  return { topic: POSTS, partition: 0, startOffset, nextOffset: startOffset + ids.length, records };
}

/**
 * Checks the merge law on the served generation: the parts of every key, merged, against one fold
 * of all records, read from the dataset and, beyond what is ingested, from the log.
 *
 * The two exceptions in the law are accounted for, not excused: the surplus of an announcement on
 * either side of the horizon, and the deficit of comments with an unknown subreddit, are computed
 * and expected to the last count.
 *
 * @module
 */

import {
  type ActivityDocument,
  BATCH_PART,
  type CutDocument,
  type EventLog,
  type MasterDataset,
  mergeActivity,
  mergeCounts,
  mergeSpellings,
  mergeTop,
  mergeUserTotals,
  offsetVector,
  type PostDocument,
  type ServingStore,
  type SubredditDocument,
  type UserTotalDocument,
  type UserWindowDocument,
  type ViewDocument,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import { type Manifest, partitionsOf } from "@pipeline/protocol";
import { foldFiles } from "../day.ts";
import { plan } from "../plan.ts";
import type { Resolved } from "../compose.ts";
import { keyOf } from "./keys.ts";
import { type Counts, Overlap } from "./overlap.ts";
import type { Differences } from "./report.ts";
import { scan } from "./scan.ts";
import { fold, type Recomputed } from "./speed_part.ts";

/** Result of {@linkcode verifyMerged}. */
export interface Merged {
  /** Number of keys whose merged value was compared. */
  readonly keys: number;
  /** Announcements that were produced on either side of the horizon, and so counted twice. */
  readonly straddling: number;
  /** Comments whose subreddit the next generation will determine. */
  readonly unresolved: number;
  /** Subreddits whose top posts could not be proved, because batch cut them. */
  readonly inexact: number;
}

/** Input of {@linkcode verifyMerged}. */
export interface MergedInput {
  readonly dataset: MasterDataset;
  readonly log: EventLog;
  readonly store: ServingStore;
  readonly manifest: Manifest;
  readonly resolved: readonly Resolved[];
  readonly partitions: readonly Recomputed[];
}

/** Compares merged values with one fold of all records. There must be no writes meanwhile. */
export async function verifyMerged(input: MergedInput, differences: Differences): Promise<Merged> {
  const { manifest, partitions, resolved } = input;
  const oracle = new ViewState(manifest.settings, { retained: manifest.retained_from });
  await foldDataset(input.dataset, manifest, oracle);
  const overlap = new Overlap(oracle, partitions.map(({ state }) => state), manifest.settings);
  await foldBeyond(input, oracle);
  const corrections = overlap.corrections(oracle);
  for (const { comment, subreddit } of resolved) {
    oracle.addSubreddit(comment.user_id, subreddit);
    oracle.addResolved(comment, subreddit);
  }
  const stored = await readKeys(input.store, manifest.generation);
  const seen = new Set<string>();
  let inexact = 0;
  for (const posts of oracle.posts(BATCH_PART)) {
    const name = posts[0]!.subreddit;
    const key = `top ${name}`;
    seen.add(key);
    if (!compareTop(posts, stored.get(key) ?? [], differences)) inexact++;
  }
  for (const document of oracle.documents(BATCH_PART)) {
    if (document.type === "post" || document.type === "cut") continue;
    const key = keyOf(document);
    seen.add(key);
    const expected = valueOf([document], corrections.get(key));
    differences.compare("merged", key, expected, valueOf(stored.get(key) ?? []));
  }
  for (const [key, documents] of stored) {
    if (seen.has(key)) continue;
    const [first] = documents;
    if (first?.type !== "user_window") differences.compare("merged", key, undefined, documents);
    else {
      // The whole fold may count an announcement for another author than a part does.
      const nothing = { ...first, posts: 0, comments: 0 };
      const expected = valueOf([nothing], corrections.get(key));
      differences.compare("merged", key, expected, valueOf(documents));
    }
  }
  const unresolved = partitions.reduce((sum, { state }) => sum + state.counts.unresolved, 0);
  return { keys: seen.size, straddling: overlap.more, unresolved, inexact };
}

/** Folds all records committed below the horizon. */
async function foldDataset(
  dataset: MasterDataset,
  manifest: Manifest,
  state: ViewState,
): Promise<void> {
  const planned = await plan(dataset, partitionsOf(manifest.horizon), { until: manifest });
  for (const files of planned.days.values()) await foldFiles(dataset, state, files);
}

/** Folds all records beyond the horizon: committed ones from the dataset, the rest from the log. */
async function foldBeyond(
  { dataset, log, manifest, partitions }: MergedInput,
  state: ViewState,
): Promise<void> {
  const count = partitionsOf(manifest.horizon);
  const ends = offsetVector(
    count,
    (topic, p) => partitions.find((f) => f.topic === topic && f.partition === p)!.next,
  );
  const until = { horizon: ends, history: manifest.history };
  const planned = await plan(dataset, count, { base: manifest, until });
  for (const files of planned.days.values()) await foldFiles(dataset, state, files);
  for (const { topic, partition, next } of partitions) {
    const from = planned.horizon[topic][partition]!;
    await fold(log, { topic, partition }, from, next, state, manifest);
  }
}

/** All stored documents by the key that they are parts of. */
async function readKeys(
  store: ServingStore,
  generation: number,
): Promise<Map<string, ViewDocument[]>> {
  const keys = new Map<string, ViewDocument[]>();
  for (const view of VIEWS) {
    for await (const { body } of scan(store, generation, view)) {
      const key = keyOf(body);
      const parts = keys.get(key);
      if (parts === undefined) keys.set(key, [body]);
      else parts.push(body);
    }
  }
  return keys;
}

/** The merged value of a key's parts, in a comparable form. */
function valueOf(parts: readonly ViewDocument[], overlap?: Counts): unknown {
  const [first] = parts;
  if (first === undefined) return undefined;
  const more = overlap ?? { posts: 0, comments: 0 };
  switch (first.type) {
    case "subreddit":
      return mergeSpellings(parts as SubredditDocument[]);
    case "activity":
      return plus(mergeActivity(parts as ActivityDocument[]), more);
    case "user_window": {
      const counts = plus(mergeCounts(parts as UserWindowDocument[]), more);
      // Counts that were taken back to zero are not an answer.
      return counts.posts === 0 && counts.comments === 0 ? undefined : counts;
    }
    case "user_total":
      return plus(mergeUserTotals(parts as UserTotalDocument[]), more);
    default:
      return undefined;
  }
}

function plus<T extends Counts>(value: T, more: Counts): T {
  return { ...value, posts: value.posts + more.posts, comments: value.comments + more.comments };
}

/** Compares the best posts, for small and large `k`. Returns whether they could be proved. */
function compareTop(
  expected: readonly PostDocument[],
  stored: readonly ViewDocument[],
  differences: Differences,
): boolean {
  const posts = stored.filter((document) => document.type === "post") as PostDocument[];
  const cut = stored.find((document) => document.type === "cut") as CutDocument | undefined;
  const batch = posts.filter((post) => post.part === BATCH_PART);
  const speed = posts.filter((post) => post.part !== BATCH_PART);
  let proved = true;
  for (const k of cut === undefined ? [10, 100, Infinity] : [10, 100]) {
    const merged = mergeTop(k, batch, speed, cut);
    if (!merged.exact) {
      proved = false;
      continue;
    }
    const truth = mergeTop(k, expected, []);
    const name = expected[0]!.subreddit;
    differences.compare("merged", `top ${k} of ${name}`, shown(truth.items), shown(merged.items));
  }
  return proved;
}

function shown(posts: readonly PostDocument[]): unknown {
  return posts.map(({ part: _part, ...post }) => post);
}

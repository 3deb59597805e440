/**
 * View generations and their life cycle.
 *
 *     building ──> prepared ──> (aliases moved) live ──> previous ──> dropped
 *        └─────────────┴──────> failed
 *
 * Only batch writes these states and moves the aliases. The aliases are the truth about the served
 * generation; the state records the work on it.
 *
 * @module
 */

import {
  canonicalJson,
  type ControlDocument,
  hasCode,
  type OffsetVector,
  offsetVector,
  partitionName,
  PipelineError,
  restoreSettings,
  type RetainedFrom,
  type ServingStore,
  type StoppedPartition,
  type StoredViewSettings,
  storeSettings,
  type Topic,
  TOPICS,
  type ViewSettings,
} from "@pipeline/core";
import type { LastRecords } from "./commit.ts";

/** State of the work on a generation. */
export type GenerationState = "building" | "prepared" | "live" | "previous" | "failed";

/** A generation's control document. */
export interface Manifest {
  /** From 1, ascending. */
  readonly generation: number;
  /** State of the work on it. */
  readonly state: GenerationState;
  /** The first offsets that batch has not folded. */
  readonly horizon: OffsetVector;
  /** The records before the horizon, by which speed recognises a recreated log. */
  readonly last?: LastRecords;
  /** Historical loads that batch has folded, in the order of names. */
  readonly history: readonly string[];
  /** Hash of the views' definitions and settings. */
  readonly definition: string;
  /** The settings of the views. */
  readonly settings: ViewSettings;
  /** Older windows do not belong to the generation, in either layer. */
  readonly retained_from: RetainedFrom;
  /** Number of posts that batch keeps per subreddit. */
  readonly keep: number;
  /** Records that batch folded. */
  readonly records: number;
  /** Comments whose subreddit batch could not determine either. */
  readonly unresolved: number;
  /**
   * When batch read the commits that it is built from, milliseconds since 1970. For people only.
   */
  readonly planned?: number;
  /** When the state was written, milliseconds since 1970, by the writer's clock. For people only. */
  readonly updated: number;
}

/** A manifest as its control document stores it. */
type StoredManifest = Omit<Manifest, "settings"> & { readonly settings: StoredViewSettings };

/** A manifest with the version under which it may be replaced. */
export interface VersionedManifest {
  /** Version of the control document. */
  readonly version: number;
  /** Content of the control document. */
  readonly manifest: Manifest;
}

const MANIFESTS = "generation/";
const FOLDED = "folded/";
const REACHED = "reached/";
const STOPPED = "/stopped";

/** Six digits, so that names sort like numbers. */
function generationName(generation: number): string {
  return String(generation).padStart(6, "0");
}

/** Reads a generation's manifest, if there is one. */
export async function readManifest(
  store: ServingStore,
  generation: number,
): Promise<VersionedManifest | undefined> {
  const control = await store.control(MANIFESTS + generationName(generation));
  return control && restore(control);
}

/** All manifests, in the order of generations. */
export async function readManifests(store: ServingStore): Promise<VersionedManifest[]> {
  return (await store.controls(MANIFESTS)).map(restore);
}

function restore({ version, body }: Pick<ControlDocument, "version" | "body">): VersionedManifest {
  const stored = body as StoredManifest;
  return { version, manifest: { ...stored, settings: restoreSettings(stored.settings) } };
}

/**
 * Writes a manifest over the version that was read (0: there was none). Rejects with `conflict` if
 * another writer replaced it since.
 */
export async function writeManifest(
  store: ServingStore,
  manifest: Manifest,
  expected: number,
): Promise<VersionedManifest> {
  const id = MANIFESTS + generationName(manifest.generation);
  const stored: StoredManifest = { ...manifest, settings: storeSettings(manifest.settings) };
  try {
    return { version: await store.putControl(id, stored, expected), manifest };
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
    // The answer of an earlier attempt may have been lost: then this very manifest is stored.
    const found = await store.control(id);
    const ours = found?.version === expected + 1 &&
      canonicalJson(found.body) === canonicalJson(stored);
    if (!ours) throw error;
    return { version: found.version, manifest };
  }
}

const CLAIMED = "claimed";

/**
 * Claims a generation number that was never used: numbers of dropped generations are not reused,
 * since a run that was presumed dead may still write under one.
 *
 * @param above numbers up to here are taken for other reasons.
 */
export async function claimGeneration(store: ServingStore, above: number): Promise<number> {
  for (;;) {
    const found = await store.control(CLAIMED);
    const last = (found?.body as { readonly generation: number } | undefined)?.generation ?? 0;
    const generation = Math.max(last, above) + 1;
    try {
      await store.putControl(CLAIMED, { generation }, found?.version ?? 0);
      return generation;
    } catch (error) {
      if (!hasCode(error, "conflict")) throw error;
    }
  }
}

/** How far speed has folded one partition into a generation. */
export interface Reached {
  /** Topic of the records. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The first offset that is not folded. */
  readonly next_offset: number;
}

/** How far speed has folded one partition into a generation, with counts. */
export interface Folded extends Reached {
  /** Number of records folded since the horizon, like all counts here. */
  readonly records: number;
  /** Records that `admitRecord` rejected. */
  readonly dead_letters: number;
  /** Announcements that this fold had already counted. */
  readonly duplicates: number;
  /** Announcements older than the first retained day. */
  readonly retired: number;
  /** Counted comments whose subreddit is unknown until the next generation. */
  readonly unresolved: number;
  /** Number of keys in the fold. */
  readonly keys: number;
  /** Why the fold is stopped, if the next batch cannot be read. */
  readonly stopped?: StoppedPartition;
}

function foldedPrefix(generation: number): string {
  return `${FOLDED}${generationName(generation)}/`;
}

function reachedPrefix(generation: number): string {
  return `${REACHED}${generationName(generation)}/`;
}

/**
 * Writes the watermarks of the store: its documents of a partition include at least all records
 * below the folded offset. An older offset never replaces a newer one. They lie beside the documents
 * of speed; in a generation that an earlier version has created, they are control documents.
 *
 * @returns whether they were written. If not, documents of speed may have been lost, and all of them
 * must be written again.
 */
export async function writeFolded(
  store: ServingStore,
  generation: number,
  folded: readonly Folded[],
): Promise<boolean> {
  const outcome = await store.putWatermarks(
    generation,
    folded.map((body) => ({
      part: partitionName(body.topic, body.partition),
      version: versionOf(body),
      body,
    })),
  );
  if (outcome !== "absent") return outcome === "stored";
  // A reader of a control document must find at least those records, also by searching.
  await store.refresh(generation);
  await writeOffsets(store, foldedPrefix(generation), folded);
  return true;
}

/**
 * Writes how far partitions were folded in memory, which the store's documents follow. An older
 * offset never replaces a newer one.
 */
export async function writeReached(
  store: ServingStore,
  generation: number,
  reached: readonly Reached[],
): Promise<void> {
  await writeOffsets(store, reachedPrefix(generation), reached);
}

async function writeOffsets(
  store: ServingStore,
  prefix: string,
  offsets: readonly Reached[],
): Promise<void> {
  await store.putControls(offsets.map((body) => ({
    id: prefix + partitionName(body.topic, body.partition),
    version: versionOf(body),
    body,
  })));
}

/** Versions start at 1, offsets at 0. */
function versionOf({ next_offset }: Reached): number {
  return next_offset + 1;
}

/** How far one partition was folded in memory, by whoever was furthest. */
export async function readPartitionReached(
  store: ServingStore,
  generation: number,
  topic: Topic,
  partition: number,
): Promise<Reached | undefined> {
  const id = reachedPrefix(generation) + partitionName(topic, partition);
  return (await store.control(id))?.body as Reached | undefined;
}

/**
 * How far every partition was folded in memory. An earlier version of speed reports only what it
 * has written; partitions without a fold are missing.
 */
export async function readReached(store: ServingStore, generation: number): Promise<Reached[]> {
  const { folded } = await readFolding(store, generation);
  const watermarks = await store.watermarks(generation) ?? [];
  const reached = [...watermarks, ...await store.controls(reachedPrefix(generation))];
  const furthest = new Map<string, Reached>();
  for (const each of [...folded, ...reached.map(({ body }) => body as Reached)]) {
    const { topic, partition, next_offset } = each;
    const name = partitionName(topic, partition);
    if (next_offset <= (furthest.get(name)?.next_offset ?? -1)) continue;
    furthest.set(name, { topic, partition, next_offset });
  }
  return [...furthest.values()];
}

/** The watermark of one partition, if a fold has begun. */
export async function readPartitionFolded(
  store: ServingStore,
  generation: number,
  topic: Topic,
  partition: number,
): Promise<Folded | undefined> {
  const part = partitionName(topic, partition);
  const watermarks = await store.watermarks(generation);
  if (watermarks !== undefined) {
    return watermarks.find((watermark) => watermark.part === part)?.body as Folded | undefined;
  }
  return (await store.control(foldedPrefix(generation) + part))?.body as Folded | undefined;
}

/** The watermarks of all partitions in the store; partitions without a fold are missing. */
export async function readFolded(store: ServingStore, generation: number): Promise<Folded[]> {
  const watermarks = await store.watermarks(generation);
  const { folded, stopped } = await readFolding(store, generation);
  // An earlier version of speed writes control documents, and its own documents, which this version
  // does not find in a generation with watermarks.
  const found = watermarks?.map(({ body }) => body as Folded) ?? folded;
  return found.map((body) => {
    const why = stopped.find(({ topic, partition, offset }) =>
      topic === body.topic && partition === body.partition && offset >= body.next_offset
    );
    return why === undefined ? body : { ...body, stopped: why };
  });
}

/** Stopped partitions, without those that another fold has passed. */
export async function readStopped(
  store: ServingStore,
  generation: number,
): Promise<StoppedPartition[]> {
  const { stopped } = await readFolding(store, generation);
  if (stopped.length === 0) return stopped;
  const reached = await readReached(store, generation);
  return stopped.filter(({ topic, partition, offset }) =>
    reached.every((f) => f.topic !== topic || f.partition !== partition || f.next_offset <= offset)
  );
}

/**
 * Writes the stopped partitions, replacing those that the same writer reported before; they are
 * stored with the folded offsets, and read with them.
 */
export async function writeStopped(
  store: ServingStore,
  generation: number,
  { now, before }: {
    readonly now: readonly StoppedPartition[];
    readonly before: readonly StoppedPartition[];
  },
): Promise<void> {
  const idOf = ({ topic, partition }: StoppedPartition) =>
    foldedPrefix(generation) + partitionName(topic, partition) + STOPPED;
  const ids = new Set(now.map(idOf));
  await store.putControls(
    now.map((body) => ({ id: idOf(body), version: body.offset + 1, body })),
  );
  await store.removeControls(before.map(idOf).filter((id) => !ids.has(id)));
}

async function readFolding(store: ServingStore, generation: number) {
  const controls = await store.controls(foldedPrefix(generation));
  const bodies = (stopped: boolean) =>
    controls.filter(({ id }) => id.endsWith(STOPPED) === stopped).map(({ body }) => body);
  return { folded: bodies(false) as Folded[], stopped: bodies(true) as StoppedPartition[] };
}

/** Generations that have a fold, even if there was nothing to fold. */
export async function foldedGenerations(store: ServingStore): Promise<number[]> {
  const found = await Promise.all([FOLDED, REACHED].map((prefix) => store.controls(prefix)));
  return [...new Set(found.flat().map(({ id }) => Number(id.split("/")[1])))];
}

/** Removes a generation's control documents. */
export async function removeControls(store: ServingStore, generation: number): Promise<void> {
  const prefixes = [foldedPrefix(generation), reachedPrefix(generation)];
  const found = await Promise.all(prefixes.map((prefix) => store.controls(prefix)));
  await store.removeControls([
    ...found.flat().map((control) => control.id),
    MANIFESTS + generationName(generation),
  ]);
}

/** The folded offsets as a vector; -1 for partitions that are not folded yet. */
export function foldedVector(folded: readonly Reached[], partitions: number): OffsetVector {
  return offsetVector(
    partitions,
    (topic, partition) =>
      folded.find((f) => f.topic === topic && f.partition === partition)?.next_offset ?? -1,
  );
}

/** The number of partitions of a vector. Rejects a ragged one with `corrupt`. */
export function partitionsOf(vector: OffsetVector): number {
  const lengths = new Set(TOPICS.map((topic) => vector[topic].length));
  const [length] = lengths;
  if (lengths.size !== 1 || length === undefined) {
    throw new PipelineError("corrupt", "The topics of a vector differ in their partitions");
  }
  return length;
}

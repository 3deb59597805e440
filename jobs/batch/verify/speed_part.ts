/**
 * Checks speed's documents against the log: each at its own version, since a document is a function
 * of one prefix; and none older than the watermark that speed published. A version may be beyond
 * the watermark: the store is a copy, written pass by pass. So the check can run while speed
 * continues.
 *
 * What the folds answer from memory is compared on the way, each answer at its own offset.
 *
 * @module
 */

import {
  admitRecord,
  documentKey,
  eachOffset,
  type EventLog,
  type LogRecord,
  offsetVector,
  partitionName,
  RecordError,
  type ServingStore,
  type StoredDocument,
  type Topic,
  type ViewDocument,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import { type Folded, type Manifest, partitionsOf } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import { readEndsFor } from "./ends.ts";
import { documentName } from "./keys.ts";
import type { Memory } from "./memory.ts";
import type { Differences } from "./report.ts";
import type { Sample } from "./sample.ts";
import { scan } from "./scan.ts";

/** One partition's fold, recomputed from the log. */
export interface Recomputed {
  readonly topic: Topic;
  readonly partition: number;
  /** The first offset that is not folded. */
  readonly next: number;
  readonly state: ViewState;
}

/** Result of {@linkcode verifySpeedPart}. */
export interface SpeedPart {
  readonly documents: number;
  readonly partitions: readonly Recomputed[];
}

/** A generation, and what is compared with the log besides its documents. */
export interface SpeedPartToVerify {
  readonly manifest: Manifest;
  /** Speed's published offsets, read before the documents are. */
  readonly folded: readonly Folded[];
  readonly memory: Memory;
  /** The keys of memory to check. */
  readonly keys: Sample;
  /** Whether to fold no further than the store's documents, so that they can be merged. */
  readonly merged: boolean;
  readonly differences: Differences;
  readonly clock: Clock;
}

/** Compares speed's stored part, and a sample of what is in memory, with the log. */
export async function verifySpeedPart(
  { store, log }: { readonly store: ServingStore; readonly log: EventLog },
  { manifest, folded, memory, keys, merged, differences, clock }: SpeedPartToVerify,
): Promise<SpeedPart> {
  const stored = new Map<string, StoredDocument[]>();
  let documents = 0;
  for (const view of VIEWS) {
    for await (const document of scan(store, manifest.generation, view, "speed")) {
      documents++;
      const part = stored.get(document.body.part);
      if (part === undefined) stored.set(document.body.part, [document]);
      else part.push(document);
    }
  }
  const known = [...stored.values()].flat()
    .map(({ body }) => ({ view: viewOf(body), key: documentKey(body) }));
  await memory.ask(known, keys);
  const parts = [...eachOffset(manifest.horizon)].map(({ topic, partition, offset: from }) => {
    const name = partitionName(topic, partition);
    const watermark = folded.find((f) => f.topic === topic && f.partition === partition)
      ?.next_offset ?? from;
    const found = stored.get(name) ?? [];
    stored.delete(name);
    const limit = merged ? copiedTo({ watermark, found }) : Infinity;
    return { topic, partition, from, watermark, limit, found, memory };
  });
  const seen = offsetVector(partitionsOf(manifest.horizon), (topic, p) => {
    const part = parts.find((one) => one.topic === topic && one.partition === p)!;
    return foldedTo(part);
  });
  const ends = await readEndsFor(log, { seen, clock });
  const partitions: Recomputed[] = [];
  for (const part of parts) {
    const end = ends[part.topic][part.partition]!;
    partitions.push(await verifyPartition(log, manifest, { ...part, end }, differences));
  }
  for (const [part, unexpected] of stored) {
    for (const document of unexpected) {
      differences.compare("speed", `${part} ${document.id}`, undefined, document.body);
    }
  }
  return { documents, partitions };
}

/** A partition, its stored documents, and what is in memory. */
export interface PartitionToVerify {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  readonly watermark: number;
  /** End of the log, read after documents and answers. */
  readonly end: number;
  /** Offset at which reading ends; what is beyond is not compared. */
  readonly limit: number;
  readonly found: readonly StoredDocument[];
  readonly memory: Memory;
  /** Restricts the check of documents to these {@linkcode documentName}s; all by default. */
  readonly names?: ReadonlySet<string>;
}

/** The offset up to which a partition must be folded to compare all of its stored documents. */
function copiedTo({ watermark, found }: Pick<PartitionToVerify, "watermark" | "found">): number {
  return found.reduce((most, { version }) => Math.max(most, version), watermark);
}

/** The offset up to which a partition must be folded to compare all that is known of it. */
export function foldedTo(
  { topic, partition, memory, ...copy }: Omit<PartitionToVerify, "from" | "end" | "limit">,
): number {
  return Math.max(copiedTo(copy), ...memory.offsets(partitionName(topic, partition)));
}

/** Compares one partition's documents and answers with its fold. */
export async function verifyPartition(
  log: EventLog,
  manifest: Manifest,
  { topic, partition, from, watermark, end, limit, found, memory, names }: PartitionToVerify,
  differences: Differences,
): Promise<Recomputed> {
  const part = partitionName(topic, partition);
  const state = new ViewState(manifest.settings, { retained: manifest.retained_from, track: true });
  const byVersion = Map.groupBy(found, ({ version }) => version);
  const versions = new Map(
    found.map((document) => [documentName(document.body), document.version]),
  );
  for (const [name, version] of versions) {
    if (version <= end) continue;
    const expected = `a version of at most ${end}`;
    differences.add({ check: "speed", what: name, expected, found: version });
  }
  const answered = new Set(memory.offsets(part));
  for (const offset of answered) {
    if (offset <= end) continue;
    const expected = `an offset of at most ${end}`;
    differences.add({ check: "memory", what: part, expected, found: offset });
  }
  const latest = new Map<string, ViewDocument>();
  // Pause at every version and answer that occurs, and at the watermark.
  const known = [...byVersion.keys(), ...answered].filter((stop) => stop <= Math.min(end, limit));
  const stops = [...new Set([...known, Math.min(watermark, limit)])].sort((a, b) => a - b);
  for await (const stop of foldThrough(log, { topic, partition, from, stops }, state, manifest)) {
    for (const document of state.takeChanged(part)) {
      const key = documentName(document);
      if (names?.has(key) === false) continue;
      latest.set(key, document);
      const version = versions.get(key);
      if (stop <= watermark && (version === undefined || version < stop)) {
        const expected = `a version of at least ${stop}`;
        differences.add({ check: "speed", what: key, expected, found: version });
      }
    }
    for (const document of byVersion.get(stop) ?? []) {
      const key = documentName(document.body);
      differences.compare("speed", `${key} at ${stop}`, latest.get(key), document.body);
    }
    memory.compare(part, stop, state);
  }
  return { topic, partition, next: Math.max(from, stops.at(-1)!), state };
}

/** Folds `[from, to)` of a partition. */
export async function fold(
  log: EventLog,
  { topic, partition }: { readonly topic: Topic; readonly partition: number },
  from: number,
  to: number,
  state: ViewState,
  manifest: Pick<Manifest, "settings">,
): Promise<void> {
  const range = { topic, partition, from, stops: [to] };
  await foldThrough(log, range, state, manifest).next();
}

/**
 * Folds a partition in one reading, however many stops there are.
 *
 * @param range.stops offsets in ascending order: each is yielded once all records below are folded.
 */
async function* foldThrough(
  log: EventLog,
  { topic, partition, from, stops }: {
    readonly topic: Topic;
    readonly partition: number;
    readonly from: number;
    readonly stops: readonly number[];
  },
  state: ViewState,
  { settings: { maxFuture } }: Pick<Manifest, "settings">,
): AsyncGenerator<number> {
  const admit = ({ value, timestamp }: LogRecord) => {
    try {
      state.add(admitRecord(topic, value, timestamp, { maxFuture }));
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  };
  let at = 0;
  const end = stops.at(-1) ?? from;
  if (end > from) {
    for await (const { records } of log.read(topic, partition, from, end)) {
      for (const record of records) {
        while (record.offset >= stops[at]!) yield stops[at++]!;
        admit(record);
      }
    }
  }
  yield* stops.slice(at);
}

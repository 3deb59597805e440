/**
 * Checks speed's documents against the log: each at its own version, since a document is a function
 * of one prefix; and none older than the watermark that speed published. So the check can run while
 * speed continues.
 * @module
 */

import {
  admitRecord,
  documentId,
  eachOffset,
  type EventLog,
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
import type { Folded, Manifest } from "@pipeline/protocol";
import type { Differences } from "./report.ts";
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

/**
 * Compares speed's stored part with the log.
 *
 * @param folded speed's published offsets, read before the documents are.
 */
export async function verifySpeedPart(
  store: ServingStore,
  log: EventLog,
  manifest: Manifest,
  folded: readonly Folded[],
  differences: Differences,
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
  const partitions: Recomputed[] = [];
  for (const { topic, partition, offset } of eachOffset(manifest.horizon)) {
    const name = partitionName(topic, partition);
    const watermark = folded.find((f) => f.topic === topic && f.partition === partition);
    const found = stored.get(name) ?? [];
    stored.delete(name);
    partitions.push(
      await verifyPartition(log, manifest, {
        topic,
        partition,
        from: offset,
        watermark: watermark?.next_offset ?? offset,
        found,
      }, differences),
    );
  }
  for (const [part, unexpected] of stored) {
    for (const document of unexpected) {
      differences.compare("speed", `${part} ${document.id}`, undefined, document.body);
    }
  }
  return { documents, partitions };
}

/** A partition and its stored documents. */
export interface PartitionToVerify {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  readonly watermark: number;
  readonly found: readonly StoredDocument[];
  /** Restricts the check to these documents; all by default. */
  readonly sample?: {
    /** Their names, in the form of {@linkcode documentName}. */
    readonly names: ReadonlySet<string>;
    /** Offset at which reading ends. */
    readonly limit: number;
  };
}

/** Compares one partition's documents with its fold. */
export async function verifyPartition(
  log: EventLog,
  manifest: Manifest,
  { topic, partition, from, watermark, found, sample }: PartitionToVerify,
  differences: Differences,
): Promise<Recomputed> {
  const part = partitionName(topic, partition);
  const state = new ViewState(manifest.settings, { retained: manifest.retained_from, track: true });
  const byVersion = new Map<number, StoredDocument[]>();
  for (const document of found) {
    const same = byVersion.get(document.version);
    if (same === undefined) byVersion.set(document.version, [document]);
    else same.push(document);
  }
  const versions = new Map(
    found.map((document) => [documentName(document.body), document.version]),
  );
  const latest = new Map<string, ViewDocument>();
  let next = from;
  // Pause at every version that occurs, and at the watermark.
  const limit = sample?.limit ?? Infinity;
  const stops = new Set([...byVersion.keys(), Math.min(watermark, limit)]);
  for (const stop of [...stops].filter((stop) => stop <= limit).sort((a, b) => a - b)) {
    if (stop > next) await fold(log, { topic, partition }, next, stop, state, manifest);
    next = Math.max(next, stop);
    for (const document of state.takeChanged(part)) {
      const key = documentName(document);
      if (sample?.names.has(key) === false) continue;
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
  }
  return { topic, partition, next, state };
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
  const { maxFuture } = manifest.settings;
  for await (const batch of log.read(topic, partition, from, to)) {
    for (const record of batch.records) {
      try {
        state.add(admitRecord(topic, record.value, record.timestamp, { maxFuture }));
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
      }
    }
  }
}

/** A document's name among those of all views. */
export function documentName(document: ViewDocument): string {
  return `${viewOf(document)} ${documentId(document)}`;
}

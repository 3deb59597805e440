/**
 * Checks a sample of speed's documents against a part of the log: some partitions, from the horizon
 * on. Documents are compared as in `speed_part.ts`.
 *
 * @module
 */

import {
  eachOffset,
  type EventLog,
  partitionName,
  type ServingStore,
  type StoredDocument,
  type Topic,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import type { Folded, Manifest } from "@pipeline/protocol";
import type { Differences } from "./report.ts";
import { budgetOf, type Sample, takeByHash } from "./sample.ts";
import { getAll, wholePage } from "./scan.ts";
import { documentName, fold, verifyPartition } from "./speed_part.ts";

/** Result of {@linkcode verifySpeedSample}. */
export interface SpeedSample {
  /** Partitions of the log that were read from the horizon to speed's position. */
  readonly partitions: number;
  /** Number of partitions. */
  readonly of_partitions: number;
  /** Records of the log that were read. */
  readonly records: number;
  /** Records that speed had folded since the horizon. */
  readonly of_records: number;
  /** Documents that were checked. */
  readonly documents: number;
}

/** A range of a partition to read. */
interface Range {
  readonly topic: Topic;
  readonly partition: number;
  readonly part: string;
  readonly from: number;
  readonly watermark: number;
  readonly limit: number;
}

/**
 * Compares a sample of speed's stored part with the log.
 *
 * @param folded speed's published offsets, read before the documents are.
 */
export async function verifySpeedSample(
  log: EventLog,
  { store, manifest, folded, sample, differences }: {
    readonly store: ServingStore;
    readonly manifest: Manifest;
    readonly folded: readonly Folded[];
    readonly sample: Sample;
    readonly differences: Differences;
  },
): Promise<SpeedSample> {
  const all = ranges(manifest, folded);
  const read = choose(all, sample);
  const names = new Map<string, { readonly id: string; readonly part: string }>();
  for (const range of read) {
    const state = new ViewState(manifest.settings, { retained: manifest.retained_from });
    await fold(log, range, range.from, range.limit, state, manifest);
    for (const document of state.documents(range.part)) {
      const name = documentName(document);
      names.set(name, { id: name.slice(viewOf(document).length + 1), part: range.part });
    }
  }
  const found = await lookUp(store, manifest, { names, sample });
  let documents = 0;
  for (const range of read) {
    const own = found.filter(({ part }) => part === range.part);
    documents += own.length;
    await verifyPartition(log, manifest, {
      ...range,
      found: own.flatMap(({ document }) => document ?? []),
      sample: { names: new Set(own.map(({ name }) => name)), limit: range.limit },
    }, differences);
  }
  const parts = new Set(all.map(({ part }) => part));
  for (const { name, part, document } of found) {
    if (!parts.has(part)) differences.compare("speed", name, undefined, document?.body);
  }
  const length = (some: readonly Range[], end: "limit" | "watermark") =>
    some.reduce((sum, range) => sum + range[end] - range.from, 0);
  return {
    partitions: read.filter(({ limit, watermark }) => limit === watermark).length,
    of_partitions: all.length,
    records: length(read, "limit"),
    of_records: length(all, "watermark"),
    documents,
  };
}

function ranges(manifest: Manifest, folded: readonly Folded[]): Range[] {
  return [...eachOffset(manifest.horizon)].map(({ topic, partition, offset: from }) => {
    const announced = folded.find((f) => f.topic === topic && f.partition === partition);
    const watermark = Math.max(from, announced?.next_offset ?? from);
    const part = partitionName(topic, partition);
    return { topic, partition, part, from, watermark, limit: watermark };
  });
}

/** Partitions by hash, each as far as the budget allows. */
function choose(all: readonly Range[], sample: Sample): Range[] {
  let left = budgetOf(sample);
  const read: Range[] = [];
  for (const range of takeByHash(all, ({ part }) => part, { ...sample, keys: Infinity })) {
    const limit = Math.min(range.watermark, range.from + left);
    left -= limit - range.from;
    if (limit > range.from || range.watermark === range.from) read.push({ ...range, limit });
  }
  return read;
}

interface Found {
  readonly name: string;
  readonly part: string;
  readonly document: StoredDocument | undefined;
}

/** A sample of the folded documents, and the first documents of the store, as stored. */
async function lookUp(
  store: ServingStore,
  { generation }: Manifest,
  { names, sample }: {
    readonly names: ReadonlyMap<string, { readonly id: string; readonly part: string }>;
    readonly sample: Sample;
  },
): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const view of VIEWS) {
    const own = [...names].filter(([name]) => name.startsWith(`${view} `));
    const taken = takeByHash(own, ([name]) => name, sample);
    const documents = await getAll(store, generation, view, taken.map(([, { id }]) => id));
    for (const [i, [name, { part }]] of taken.entries()) {
      found.set(name, { name, part, document: documents[i] });
    }
    const query = { layer: "speed", order: "id", limit: Math.min(1_000, sample.keys) } as const;
    for (const document of await wholePage(store, generation, view, query)) {
      const name = documentName(document.body);
      found.set(name, { name, part: document.body.part, document });
    }
  }
  return [...found.values()];
}

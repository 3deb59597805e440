/**
 * Checks a sample of speed's documents, stored and in memory, against a part of the log: some
 * partitions, from the horizon on. Documents are compared as in `speed_part.ts`.
 *
 * The partitions are read twice: up to the watermark for the keys to check, and then as far as the
 * documents of those keys are folded. Each time, no more is read than the sample allows.
 *
 * @module
 */

import {
  documentKey,
  eachOffset,
  type EventLog,
  offsetVector,
  partitionName,
  type ServingStore,
  type StoredDocument,
  type Topic,
  type ViewName,
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
import { budgetOf, type Sample, takeByHash } from "./sample.ts";
import { getAll, wholePage } from "./scan.ts";
import { fold, foldedTo, verifyPartition } from "./speed_part.ts";

/** Result of {@linkcode verifySpeedSample}. */
export interface SpeedSample {
  /** Partitions of the log that were read from the horizon as far as speed has folded them. */
  readonly partitions: number;
  /** Number of partitions. */
  readonly of_partitions: number;
  /** Records of the log that documents were compared with. */
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
 * Compares a sample of speed's part, stored and in memory, with the log.
 *
 * @param folded speed's published offsets, read before the documents are.
 */
export async function verifySpeedSample(
  log: EventLog,
  { store, manifest, folded, memory, sample, differences, clock }: {
    readonly store: ServingStore;
    readonly manifest: Manifest;
    readonly folded: readonly Folded[];
    readonly memory: Memory;
    readonly sample: Sample;
    readonly differences: Differences;
    readonly clock: Clock;
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
  await memory.ask(found, sample);
  const parts = new Map(all.map((range) => {
    const own = found.filter(({ part }) => part === range.part);
    const stored = own.flatMap(({ document }) => document ?? []);
    const names = new Set(own.map(({ name }) => name));
    const part = { ...range, found: stored, memory, names };
    return [range.part, { ...part, own, position: foldedTo(part) }];
  }));
  const seen = offsetVector(
    partitionsOf(manifest.horizon),
    (topic, p) => parts.get(partitionName(topic, p))!.position,
  );
  const ends = await readEndsFor(log, { seen, clock });
  const report = { partitions: 0, of_partitions: all.length, records: 0, of_records: 0 };
  let documents = 0;
  let left = budgetOf(sample);
  for (const { part: name, topic, partition, from } of read) {
    const { own, position, ...part } = parts.get(name)!;
    const end = ends[topic][partition]!;
    const goal = Math.max(from, Math.min(position, end));
    const limit = Math.min(goal, from + left);
    left -= limit - from;
    await verifyPartition(log, manifest, { ...part, end, limit }, differences);
    if (limit === goal) report.partitions++;
    report.records += limit - from;
    documents += own.filter(({ document }) => (document?.version ?? 0) <= limit).length;
  }
  for (const { name, part, document } of found) {
    if (!parts.has(part)) differences.compare("speed", name, undefined, document?.body);
  }
  for (const { topic, partition, from, position } of parts.values()) {
    report.of_records += Math.max(from, Math.min(position, ends[topic][partition]!)) - from;
  }
  return { ...report, documents };
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
  readonly view: ViewName;
  readonly key: string;
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
    for (const [i, [name, { id, part }]] of taken.entries()) {
      const key = id.slice(part.length + 1);
      found.set(name, { name, view, key, part, document: documents[i] });
    }
    const query = { layer: "speed", order: "id", limit: Math.min(1_000, sample.keys) } as const;
    for (const document of await wholePage(store, generation, view, query)) {
      const { body } = document;
      const name = documentName(body);
      found.set(name, { name, view, key: documentKey(body), part: body.part, document });
    }
  }
  return [...found.values()];
}

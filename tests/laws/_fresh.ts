/**
 * Generations as plain folds of the log: batch's documents, and those of parts below any offset,
 * computed anew from the records alone.
 *
 * @module
 */

import {
  BATCH_PART,
  DEFAULT_SETTINGS,
  definitionHash,
  documentId,
  type EventLog,
  type OffsetVector,
  partitionName,
  RecordError,
  RETAIN_ALL,
  type ServingStore,
  type Topic,
  TOPICS,
  type ViewDocument,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import { type Folded, type Manifest, writeFolded, writeManifest } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";

/** A range of offsets of one partition. */
export interface Range {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Offsets by topic; `null` for parts of which nothing is known. */
export type Offsets = Readonly<Record<Topic, readonly (number | null)[]>>;

/** Adds a range of the log to a state. Returns the number of dead letters. */
async function addRange(state: ViewState, log: EventLog, range: Range): Promise<number> {
  let dead = 0;
  for await (const { records } of log.read(range.topic, range.partition, range.from, range.to)) {
    for (const record of records) {
      try {
        state.admit(range.topic, record);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        dead++;
      }
    }
  }
  return dead;
}

async function put(
  store: ServingStore,
  generation: number,
  { documents, version }: { readonly documents: Iterable<ViewDocument>; readonly version: number },
): Promise<void> {
  const all = [...documents];
  for (const view of VIEWS) {
    const own = all.filter((body) => viewOf(body) === view);
    await store.write(
      generation,
      view,
      own.map((body) => ({ id: documentId(body), version, body })),
    );
  }
}

/** Writes a generation that has folded all records below a horizon, in the state `prepared`. */
export async function prepare(
  { log, store }: { readonly log: EventLog; readonly store: ServingStore },
  { generation, horizon }: Pick<Manifest, "generation" | "horizon">,
): Promise<Manifest> {
  const manifest: Manifest = {
    generation,
    state: "prepared",
    horizon,
    history: [],
    definition: definitionHash(DEFAULT_SETTINGS),
    settings: DEFAULT_SETTINGS,
    retained_from: RETAIN_ALL,
    keep: 1_000_000,
    records: 0,
    unresolved: 0,
    updated: 0,
  };
  await store.createGeneration(generation);
  const state = new ViewState(manifest.settings, { retained: manifest.retained_from });
  for (const topic of TOPICS) {
    for (const [partition, to] of horizon[topic].entries()) {
      await addRange(state, log, { topic, partition, from: 0, to });
    }
  }
  await put(store, generation, { documents: state.documents(BATCH_PART), version: 1 });
  await writeManifest(store, manifest, 0);
  return manifest;
}

/** A store that serves one generation with all records below a vector, and nothing else. */
export async function freshStore(
  log: EventLog,
  manifest: Manifest,
  folded: Offsets,
): Promise<MemoryStore> {
  const { generation, horizon, settings, retained_from: retained } = manifest;
  const store = new MemoryStore();
  await prepare({ log, store }, { generation, horizon });
  await store.switchTo(generation, undefined);
  for (const topic of TOPICS) {
    for (const [partition, to] of folded[topic].entries()) {
      if (to === null) continue;
      const state = new ViewState(settings, { retained });
      const from = horizon[topic][partition]!;
      const dead_letters = await addRange(state, log, { topic, partition, from, to });
      const { records, duplicates, retired, unresolved } = state.counts;
      const documents = state.documents(partitionName(topic, partition));
      await put(store, generation, { documents, version: to + 1 });
      const counts = { records, duplicates, retired, unresolved, dead_letters, keys: state.keys };
      await writeFolded(store, generation, [{ topic, partition, next_offset: to, ...counts }]);
    }
  }
  return store;
}

/** The greatest version of a part's documents in a store; -1 if there are none. */
export async function newestVersion(
  store: ServingStore,
  generation: number,
  part: string,
): Promise<number> {
  let newest = -1;
  for (const view of VIEWS) {
    const { documents } = await search(store, { generation, view, part });
    for (const { version } of documents) newest = Math.max(newest, version);
  }
  return newest;
}

/** Writes a part's documents over those of another store, as they are. */
export async function overlay(
  [from, to]: readonly [ServingStore, ServingStore],
  generation: number,
  part: string,
): Promise<void> {
  for (const view of VIEWS) {
    const { documents } = await search(from, { generation, view, part });
    const newer = documents.map((document) => ({ ...document, version: 1e9 }));
    await to.write(generation, view, newer);
  }
}

function search(
  store: ServingStore,
  { generation, view, part }: {
    readonly generation: number;
    readonly view: (typeof VIEWS)[number];
    readonly part: string;
  },
) {
  return store.search(generation, view, { parts: [part], order: "id", limit: 10_000 });
}

/** The end of every partition. */
export async function endsOf(log: EventLog): Promise<OffsetVector> {
  const ends = await Promise.all(
    TOPICS.map(async (topic) => [topic, (await log.ranges(topic)).map(({ end }) => end)]),
  );
  return Object.fromEntries(ends);
}

/** The offset of a part, by its name. */
export function offsetsByPart(folded: readonly Folded[]): Map<string, number> {
  return new Map(
    folded.map(({ topic, partition, next_offset }) => [
      partitionName(topic, partition),
      next_offset,
    ]),
  );
}

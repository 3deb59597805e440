/**
 * One request's view of the store: a generation that is resolved once, the control documents that
 * describe it, then documents, and what was missing.
 *
 * @module
 */

import {
  distance,
  hasCode,
  type OffsetVector,
  offsetVector,
  partitionName,
  type ServingStore,
  type StoredDocument,
  type Topic,
  TOPICS,
  type ViewDocument,
  type ViewName,
  type ViewQuery,
} from "@pipeline/core";
import {
  type Folded,
  foldedVector,
  type Manifest,
  partitionsOf,
  readFolded,
  readManifest,
} from "@pipeline/protocol";
import { Problem } from "../problem.ts";

/** The end of every partition of the log, exclusive. */
export type LogEnds = () => Promise<OffsetVector>;

/** Offsets by topic; `null` for partitions without a fold. */
export type FoldedOffsets = Readonly<Record<Topic, readonly (number | null)[]>>;

/** The provenance of an answer; see the fields of `provenance` in the API. */
export interface Provenance {
  /** The generation that was read. */
  readonly generation: number;
  /** The first offsets that batch has not folded. */
  readonly horizon: OffsetVector;
  /**
   * The first offsets that speed has not folded; the answer includes at least all earlier records.
   */
  readonly folded: FoldedOffsets;
  /** Records in the log beyond `folded`; `null` if the log's end is unknown. */
  readonly lag: number | null;
  /** Whether something is missing from the answer or from its provenance. */
  readonly partial: boolean;
  /**
   * What is missing: `speed`, a partition such as `reddit.posts-0` that is not folded yet or is
   * stopped, `store` or `log`.
   */
  readonly missing: readonly string[];
  /** Hash of the views' definitions and settings. */
  readonly definition: string;
}

/** Most documents of one page of the store. */
const PAGE = 10_000;

/** A view document of one type. */
export type DocumentOf<T extends ViewDocument["type"]> = Extract<ViewDocument, { type: T }>;

/** A consistent reading of one generation. */
export class Reading {
  readonly #store: ServingStore;
  readonly #ends: OffsetVector | undefined;
  #complete = true;

  /** The generation's manifest. */
  readonly manifest: Manifest;
  /** How far speed has folded, read before any document. */
  readonly folded: readonly Folded[];

  /** Use {@linkcode openReading}. */
  constructor(
    store: ServingStore,
    known: {
      readonly manifest: Manifest;
      readonly folded: readonly Folded[];
      readonly ends: OffsetVector | undefined;
    },
  ) {
    this.#store = store;
    this.manifest = known.manifest;
    this.folded = known.folded;
    this.#ends = known.ends && atLeast(known.ends, known.folded);
  }

  /** Whether every search was answered by the whole store so far. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The end of the log, if known. */
  get ends(): OffsetVector | undefined {
    return this.#ends;
  }

  /** All parts that may hold documents of a topic's records. */
  parts(topics: readonly Topic[] = TOPICS): string[] {
    const partitions = partitionsOf(this.manifest.horizon);
    return topics.flatMap((topic) =>
      Array.from({ length: partitions }, (_, partition) => partitionName(topic, partition))
    );
  }

  /** Those parts of topics that have no fold yet. */
  unfolded(topics: readonly Topic[] = TOPICS): string[] {
    const begun = new Set(this.folded.map((f) => partitionName(f.topic, f.partition)));
    return this.parts(topics).filter((part) => !begun.has(part));
  }

  /** One page of documents. */
  async page<T extends ViewDocument["type"]>(
    view: ViewName,
    query: ViewQuery & { readonly type: T },
  ): Promise<(StoredDocument & { readonly body: DocumentOf<T> })[]> {
    const { documents, complete } = await this.#store.search(
      this.manifest.generation,
      view,
      query,
    );
    if (!complete) this.#complete = false;
    return documents as (StoredDocument & { readonly body: DocumentOf<T> })[];
  }

  /** All documents of a query, page by page. */
  async *all<T extends ViewDocument["type"]>(
    view: ViewName,
    query: Omit<ViewQuery, "limit" | "after"> & { readonly type: T },
  ): AsyncGenerator<DocumentOf<T>> {
    let after: StoredDocument | undefined;
    while (true) {
      const page = await this.page(view, { ...query, limit: PAGE, ...(after && { after }) });
      for (const { body } of page) yield body;
      if (page.length < PAGE) return;
      after = page.at(-1)!;
    }
  }

  /** The documents with these ids, as far as they exist. */
  async get<T extends ViewDocument["type"]>(
    view: ViewName,
    ids: readonly string[],
  ): Promise<DocumentOf<T>[]> {
    const found = await this.#store.get(this.manifest.generation, view, ids);
    return found.flatMap((document) =>
      document === undefined ? [] : [document.body as DocumentOf<T>]
    );
  }

  /** Number of documents of a view. */
  count(view: ViewName): Promise<number> {
    return this.#store.count(this.manifest.generation, view);
  }

  /** The provenance of everything read so far. */
  provenance(): Provenance {
    const { generation, horizon, definition } = this.manifest;
    const offsets = new Map(this.folded.map((f) => [partitionName(f.topic, f.partition), f]));
    const partitions = partitionsOf(horizon);
    const folded = Object.fromEntries(TOPICS.map((topic) => [
      topic,
      Array.from(
        { length: partitions },
        (_, partition) => offsets.get(partitionName(topic, partition))?.next_offset ?? null,
      ),
    ])) as Record<Topic, (number | null)[]>;
    const reached = offsetVector(
      partitions,
      (topic, partition) => folded[topic][partition] ?? horizon[topic][partition]!,
    );
    const unfolded = this.unfolded();
    const begun = unfolded.length < this.parts().length;
    const standing = this.parts().filter((part) => offsets.get(part)?.stopped !== undefined);
    const missing = [
      ...(begun ? [...unfolded, ...standing] : ["speed"]),
      ...(this.#complete ? [] : ["store"]),
      ...(this.#ends === undefined ? ["log"] : []),
    ];
    return {
      generation,
      horizon,
      folded,
      lag: this.#ends === undefined ? null : distance(reached, this.#ends),
      partial: missing.length > 0,
      missing,
      definition,
    };
  }
}

/** The end of the log may be older than speed's folded offsets. */
function atLeast(ends: OffsetVector, folded: readonly Folded[]): OffsetVector {
  const reached = foldedVector(folded, partitionsOf(ends));
  return offsetVector(
    partitionsOf(ends),
    (topic, partition) => Math.max(ends[topic][partition]!, reached[topic][partition]!),
  );
}

/** What readings are made from. */
export interface Source {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** Reads the end of the log, if possible. */
  readonly ends?: LogEnds;
  /** Reads how far the dataset is, if possible; -1 where unknown. */
  readonly ingested?: LogEnds;
}

/** Number of attempts if a generation vanishes while it is read. */
const TRIES = 3;

/**
 * Resolves the generation once and reads it.
 *
 * @throws {Problem} 503 if there is no generation yet.
 */
export async function withReading<T>(
  source: Source,
  read: (reading: Reading) => Promise<T>,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await read(await openReading(source));
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      if (attempt < TRIES) continue;
      const gone = "A part of the served generation is missing, until the next one is served";
      throw new Problem(503, gone, { retryAfter: 60, cause: error });
    }
  }
}

async function openReading({ store, ends }: Source): Promise<Reading> {
  const generation = await store.current();
  const none = "There is no generation yet: batch has not published its first one";
  if (generation === undefined) throw new Problem(503, none, { retryAfter: 5 });
  // Before any document: an answer may include more than its provenance states, never less.
  const [versioned, folded, end] = await Promise.all([
    readManifest(store, generation),
    readFolded(store, generation),
    ends?.().catch(() => undefined),
  ]);
  if (versioned === undefined) {
    throw new Problem(503, `Generation ${generation} has no manifest`, { retryAfter: 5 });
  }
  return new Reading(store, { manifest: versioned.manifest, folded, ends: end });
}

/**
 * What readings are made from, shared by all requests: the ports, and what is kept of the store so
 * that most requests need not ask it.
 *
 * @module
 */

import type { OffsetVector, ServingStore } from "@pipeline/core";
import {
  type Folded,
  type LiveParts,
  type Manifest,
  readFolded,
  readManifest,
} from "@pipeline/protocol";
import { type Clock, systemClock } from "@pipeline/runtime";
import { DEFAULT_LIMITS } from "../config.ts";
import { Problem } from "../problem.ts";
import type { BatchAnswer } from "./batch.ts";
import { Cache } from "./cache.ts";
import { Expectations } from "./expected.ts";
import { Latest } from "./latest.ts";
import type { PartSource } from "./round.ts";

/** The end of every partition of the log, exclusive. */
export type LogEnds = () => Promise<OffsetVector>;

/** Options of {@linkcode Source}. All but the store are optional. */
export interface SourceOptions {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The folds that can be asked; without them, the store answers for them. */
  readonly parts?: LiveParts;
  /** Reads the end of the log; without it, answers report their lag as unknown. */
  readonly ends?: LogEnds;
  /** Reads how far the dataset is, if possible; -1 where unknown. */
  readonly ingested?: LogEnds;
  /** The machine's own clock by default. */
  readonly clock?: Clock;
  /** Most bytes of batch's documents that are kept in memory. */
  readonly cacheBytes?: number;
  /** Milliseconds for which the served generation is kept; 250 by default. */
  readonly generationAge?: number;
  /** Milliseconds for which the store's watermarks are kept; 1,000 by default. */
  readonly watermarkAge?: number;
}

/** The store, the folds and the log, as all readings share them. */
export class Source {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The folds that can be asked. */
  readonly parts: LiveParts | undefined;
  /** Reads the end of the log. */
  readonly ends: LogEnds | undefined;
  /** Reads how far the dataset is. */
  readonly ingested: LogEnds | undefined;
  /** Measures ages, and determines the current windows. */
  readonly clock: Clock;
  /** The served generation; `undefined` while there is none. */
  readonly served: Latest<Manifest | undefined>;
  /** Batch's documents and answers. */
  readonly cache: Cache<BatchAnswer>;
  /** What answers are expected to hold, so that most consist of one round. */
  readonly expected: Expectations = new Expectations();
  /** Answers of parts, by where they came from. */
  readonly answered: Record<PartSource | "none", number> = { memory: 0, store: 0, none: 0 };
  readonly #watermarkAge: number;
  #watermarks:
    | { readonly generation: number; readonly latest: Latest<readonly Folded[]> }
    | undefined;

  /** Nothing is read before the first request. */
  constructor(options: SourceOptions) {
    const { store, clock = systemClock, generationAge = 250, watermarkAge = 1_000 } = options;
    this.store = store;
    this.parts = options.parts;
    this.ends = options.ends;
    this.ingested = options.ingested;
    this.clock = clock;
    this.cache = new Cache(options.cacheBytes ?? DEFAULT_LIMITS.cacheBytes);
    this.#watermarkAge = watermarkAge;
    this.served = new Latest({ read: () => readServed(store), maxAge: generationAge, clock });
  }

  /** How far the store holds each part of a generation: a lower bound. */
  watermarks(generation: number): Latest<readonly Folded[]> {
    if (this.#watermarks?.generation !== generation) {
      const latest = new Latest<readonly Folded[]>({
        read: () => readFolded(this.store, generation),
        maxAge: this.#watermarkAge,
        clock: this.clock,
        initial: [],
      });
      this.#watermarks = { generation, latest };
    }
    return this.#watermarks.latest;
  }
}

async function readServed(store: ServingStore): Promise<Manifest | undefined> {
  const generation = await store.current();
  if (generation === undefined) return undefined;
  const found = await readManifest(store, generation);
  if (found !== undefined) return found.manifest;
  throw new Problem(503, `Generation ${generation} has no manifest`, { retryAfter: 5 });
}

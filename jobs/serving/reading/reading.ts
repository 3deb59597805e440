/**
 * One request's view of a generation: batch's documents, which never change, and rounds of questions
 * to the parts of speed. An answer consists of the rounds that it includes; one that includes a
 * single round is exact at that round's vector of offsets.
 *
 * @module
 */

import {
  hasCode,
  type OffsetVector,
  offsetVector,
  partitionName,
  type Topic,
  TOPICS,
  type ViewName,
} from "@pipeline/core";
import { type Folded, foldedVector, type Manifest, partitionsOf } from "@pipeline/protocol";
import { Problem } from "../problem.ts";
import { BatchViews } from "./batch.ts";
import type { Expectations } from "./expected.ts";
import { isBehind, type Provenance, provenanceOf } from "./provenance.ts";
import {
  type LeastOffsets,
  type Questions,
  readRound,
  type Round,
  type RoundPart,
} from "./round.ts";
import type { Source } from "./source.ts";
import type { SpeedPart } from "./stored.ts";

/** Options of {@linkcode withReading}. */
export interface ReadingOptions {
  /** Offsets that the answer is wanted to include all records before; none by default. */
  readonly at_least?: LeastOffsets | undefined;
}

/** A consistent reading of one generation. */
export class Reading {
  readonly #source: Source;
  readonly #atLeast: LeastOffsets;
  readonly #readEnds: Promise<OffsetVector | undefined>;
  readonly #parts: readonly SpeedPart[];
  /** What the answer includes of each part, by the part's name. */
  readonly #included = new Map<string, RoundPart>();
  readonly #cut = new Set<string>();
  #complete = true;
  #ends: OffsetVector | undefined;

  /** The generation's manifest. */
  readonly manifest: Manifest;
  /** Batch's documents. */
  readonly batch: BatchViews;

  /** Use {@linkcode withReading}. */
  constructor(source: Source, manifest: Manifest, { at_least = {} }: ReadingOptions = {}) {
    this.#source = source;
    this.#atLeast = at_least;
    this.manifest = manifest;
    const partitions = partitionsOf(manifest.horizon);
    refuseOtherPartitions(at_least, partitions);
    this.#parts = TOPICS.flatMap((topic) =>
      Array.from(
        { length: partitions },
        (_, partition) => ({ topic, partition, name: partitionName(topic, partition) }),
      )
    );
    this.#readEnds = source.ends?.().catch(() => undefined) ?? Promise.resolve(undefined);
    this.batch = new BatchViews({
      store: source.store,
      generation: manifest.generation,
      cache: source.cache,
      manifest,
      incomplete: () => this.#complete = false,
    });
  }

  /** Whether every search was answered by the whole store so far. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Now, by the clock: milliseconds since 1970. */
  get now(): number {
    return this.#source.clock.now();
  }

  /** The end of the log, if known. */
  get ends(): OffsetVector | undefined {
    if (this.#ends === undefined) return undefined;
    // The end of the log may have been read before the folded offsets.
    const reached = foldedVector(this.folded, partitionsOf(this.#ends));
    return offsetVector(
      partitionsOf(this.#ends),
      (topic, partition) =>
        Math.max(this.#ends![topic][partition] ?? 0, reached[topic][partition]!),
    );
  }

  /** How far the included parts were folded, with counts; parts without a fold are missing. */
  get folded(): readonly Folded[] {
    return [...this.#included.values()].flatMap(({ folded }) => folded ?? []);
  }

  /**
   * Asks all parts of speed in one round. The answers count as part of the answer only once they
   * are given to {@linkcode include}.
   */
  async live(questions: Questions): Promise<Round> {
    const { store, parts } = this.#source;
    const { generation } = this.manifest;
    const [round, ends] = await Promise.all([
      readRound(
        { store, generation, parts, watermarks: this.#source.watermarks(generation) },
        { manifest: this.manifest, parts: this.#parts, questions, atLeast: this.#atLeast },
      ),
      this.#readEnds,
    ]);
    this.#ends = ends;
    for (const { source } of round.parts) this.#source.answered[source ?? "none"]++;
    return round;
  }

  /**
   * Counts a round as part of the answer. Of a part that several rounds answered for, the least
   * position counts: the answer includes at least all records before it.
   */
  include(round: Round): void {
    if (!round.complete) this.#complete = false;
    for (const name of round.cut) this.#cut.add(name);
    for (const part of round.parts) {
      const known = this.#included.get(part.name);
      if (known === undefined || reachedBy(part) < reachedBy(known)) {
        this.#included.set(part.name, part);
      }
    }
  }

  /** Names of those parts of topics that nobody has begun with. */
  unfolded(topics: readonly Topic[] = TOPICS): string[] {
    return this.#lacking(topics, ({ folded }) => folded === undefined);
  }

  /** Names of those parts of topics that have not reached the offsets that were asked for. */
  behind(topics: readonly Topic[] = TOPICS): string[] {
    const wanted = { manifest: this.manifest, atLeast: this.#atLeast };
    return this.#lacking(topics, (part) => isBehind(part, wanted));
  }

  /** What answers are expected to hold, from those before. */
  get expected(): Expectations {
    return this.#source.expected;
  }

  /** Number of documents of a view in the store. */
  count(view: ViewName): Promise<number> {
    return this.#source.store.count(this.manifest.generation, view);
  }

  /** The provenance of everything included so far. */
  provenance(): Provenance {
    return provenanceOf({
      manifest: this.manifest,
      parts: this.#parts.map((part) => this.#of(part)),
      cut: this.#cut,
      atLeast: this.#atLeast,
      complete: this.#complete,
      ends: this.ends,
    });
  }

  #lacking(topics: readonly Topic[], lacks: (part: Omit<RoundPart, "answers">) => boolean) {
    return this.#parts.map((part) => this.#of(part))
      .filter((part) => topics.includes(part.topic) && lacks(part))
      .map(({ name }) => name);
  }

  #of(part: SpeedPart): Omit<RoundPart, "answers"> {
    return this.#included.get(part.name) ?? { ...part, folded: undefined, source: null };
  }
}

function reachedBy({ folded }: RoundPart): number {
  return folded?.next_offset ?? -1;
}

function refuseOtherPartitions(atLeast: LeastOffsets, partitions: number): void {
  for (const topic of TOPICS) {
    const count = atLeast[topic]?.length ?? partitions;
    if (count === partitions) continue;
    throw new Problem(
      400,
      `"at_least" has ${count} offsets of ${topic}: there must be one for each of its ` +
        `${partitions} partitions`,
    );
  }
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
  options: ReadingOptions = {},
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    const manifest = await source.served.get();
    if (manifest === undefined) {
      const none = "There is no generation yet: batch has not published its first one";
      throw new Problem(503, none, { retryAfter: 5 });
    }
    try {
      return await read(new Reading(source, manifest, options));
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      if (source.served.last?.generation === manifest.generation) source.served.forget();
      if (attempt < TRIES) continue;
      const gone = "A part of the served generation is missing, until the next one is served";
      throw new Problem(503, gone, { retryAfter: 60, cause: error });
    }
  }
}

/**
 * Where an answer comes from, and what is missing from it.
 *
 * @module
 */

import { distance, type OffsetVector, offsetVector, type Topic, TOPICS } from "@pipeline/core";
import { type Manifest, partitionsOf } from "@pipeline/protocol";
import type { LeastOffsets, PartSource, RoundPart } from "./round.ts";

/** Offsets by topic; `null` for partitions without a fold. */
export type FoldedOffsets = Readonly<Record<Topic, readonly (number | null)[]>>;

/** Sources by topic; `null` for partitions without a fold. */
export type FoldedSources = Readonly<Record<Topic, readonly (PartSource | null)[]>>;

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
  /** Where the records from the horizon on come from. */
  readonly sources: FoldedSources;
  /** Records in the log beyond `folded`; `null` if the log's end is unknown. */
  readonly lag: number | null;
  /** Whether something is missing from the answer or from its provenance. */
  readonly partial: boolean;
  /**
   * What is missing: `speed`, a partition such as `reddit.posts-0` that is not folded yet, is
   * stopped or has not reached `at_least`, `store` or `log`.
   */
  readonly missing: readonly string[];
  /** Hash of the views' definitions and settings. */
  readonly definition: string;
}

/** What an answer consists of. */
export interface ProvenanceInput {
  /** Describes the generation. */
  readonly manifest: Manifest;
  /** All parts of speed. */
  readonly parts: readonly Omit<RoundPart, "answers">[];
  /** Names of parts of which documents may be missing. */
  readonly cut: ReadonlySet<string>;
  /** The offsets that were asked for. */
  readonly atLeast: LeastOffsets;
  /** Whether the whole store answered. */
  readonly complete: boolean;
  /** The end of the log, if known. */
  readonly ends: OffsetVector | undefined;
}

/** The provenance of an answer. */
export function provenanceOf(input: ProvenanceInput): Provenance {
  const { manifest: { generation, horizon, definition }, parts, cut, complete, ends } = input;
  const byTopic = <T>(of: (part: Omit<RoundPart, "answers">) => T) =>
    Object.fromEntries(
      TOPICS.map((topic) => [topic, parts.filter((part) => part.topic === topic).map(of)]),
    ) as Record<Topic, T[]>;
  const folded = byTopic(({ folded }) => folded?.next_offset ?? null);
  const reached = offsetVector(
    partitionsOf(horizon),
    (topic, partition) => folded[topic][partition] ?? horizon[topic][partition]!,
  );
  const begun = parts.some(({ folded }) => folded !== undefined);
  const named = parts.filter((part) =>
    part.folded === undefined || part.folded.stopped !== undefined || cut.has(part.name) ||
    isBehind(part, input)
  ).map(({ name }) => name);
  const missing = [
    ...(begun ? named : ["speed"]),
    ...(complete ? [] : ["store"]),
    ...(ends === undefined ? ["log"] : []),
  ];
  return {
    generation,
    horizon,
    folded,
    sources: byTopic(({ source }) => source),
    lag: ends === undefined ? null : distance(reached, ends),
    partial: missing.length > 0,
    missing,
    definition,
  };
}

/** Whether a part has not reached the offset that was asked for. */
export function isBehind(
  { topic, partition, folded }: Omit<RoundPart, "answers">,
  { manifest, atLeast }: Pick<ProvenanceInput, "manifest" | "atLeast">,
): boolean {
  const reached = folded?.next_offset ?? manifest.horizon[topic][partition]!;
  return reached < (atLeast[topic]?.[partition] ?? 0);
}

/**
 * One round: questions to all parts of speed, each answered at one position by one source. So the
 * answers of a round stand at one vector of offsets.
 *
 * A part is a pure function of one partition's prefix of the log. So of the folds that answer for
 * it the one that has folded most is right, whole. The store answers for the parts that no fold
 * answers for, or for which the store holds more than every fold (a new owner that is still
 * catching up).
 *
 * @module
 */

import { hasCode, type OffsetVector, partitionName, type ViewDocument } from "@pipeline/core";
import {
  type Folded,
  foldIdentity,
  type LiveParts,
  type Manifest,
  newestParts,
  type PartAnswer,
  type PartDocuments,
  PARTS_BOUNDS,
  type PartsQuestion,
  type SubredditTotal,
} from "@pipeline/protocol";
import type { DocumentOf } from "./documents.ts";
import type { Latest } from "./latest.ts";
import type { StoredViews } from "./search.ts";
import { readStored, type SpeedPart } from "./stored.ts";

/** Where the answer of a part comes from: the memory of a fold, or the store. */
export type PartSource = "memory" | "store";

/** Questions by names, under which the answers are found. */
export type Questions = Readonly<Record<string, PartsQuestion>>;

/** The answers of one part, all of them at one position. */
export interface RoundPart extends SpeedPart {
  /** How far the part was folded; `undefined` if nobody has begun with it. */
  readonly folded: Folded | undefined;
  /** `null` if nobody has begun with it. */
  readonly source: PartSource | null;
  /** One entry per question, in their order. */
  readonly answers: readonly PartDocuments[];
}

/** Offsets that an answer is wanted to include all records before; `null`: any. */
export type LeastOffsets = Readonly<
  Partial<Record<keyof OffsetVector, readonly (number | null)[]>>
>;

/** The sources of a round. */
export interface RoundSources extends StoredViews {
  /** The folds that can be asked; without them, the store answers. */
  readonly parts: LiveParts | undefined;
  /** How far the store holds each part, a lower bound. */
  readonly watermarks: Latest<readonly Folded[]>;
}

/** What is asked in a round. */
export interface RoundRequest {
  /** Describes the generation. */
  readonly manifest: Manifest;
  /** All parts of speed. */
  readonly parts: readonly SpeedPart[];
  /** Answered together. */
  readonly questions: Questions;
  /** Parts below are looked for in the other source, too. */
  readonly atLeast: LeastOffsets;
}

/** The answers of all parts. */
export class Round {
  /** Every part, also those without an answer. */
  readonly parts: readonly RoundPart[];
  /** Whether every search was answered by the whole store. */
  readonly complete: boolean;
  /** Names of parts of which a fold answered with as many documents as it may: there may be more. */
  readonly cut: readonly string[];

  readonly #names: readonly string[];

  /** Use {@linkcode readRound}. */
  constructor(
    parts: readonly RoundPart[],
    { questions, complete }: { readonly questions: Questions; readonly complete: boolean },
  ) {
    this.parts = parts;
    this.complete = complete;
    this.#names = Object.keys(questions);
    const { documents } = PARTS_BOUNDS;
    this.cut = parts.filter(({ source, answers }) =>
      source === "memory" &&
      Object.values(questions).some((question, i) =>
        "query" in question && answers[i]!.length >= documents
      )
    ).map(({ name }) => name);
  }

  /** The documents of all parts that answer a question; none if it was not asked. */
  documents<T extends ViewDocument["type"]>(question: string): DocumentOf<T>[] {
    return this.#answers(question).flat() as DocumentOf<T>[];
  }

  /** The documents that answer a question, part by part, each in the question's order. */
  byPart<T extends ViewDocument["type"]>(question: string): readonly DocumentOf<T>[][] {
    return this.#answers(question) as readonly DocumentOf<T>[][];
  }

  /** The sums of all parts, several for one subreddit. */
  totals(question: string): SubredditTotal[] {
    return this.#answers(question).flat() as SubredditTotal[];
  }

  #answers(question: string): readonly PartDocuments[] {
    const at = this.#names.indexOf(question);
    return at < 0 ? [] : this.parts.map(({ answers }) => answers[at]!);
  }
}

/** Asks all parts. */
export async function readRound(sources: RoundSources, request: RoundRequest): Promise<Round> {
  const { manifest, parts, atLeast } = request;
  const questions = Object.values(request.questions);
  const [answers, watermarks] = await Promise.all([
    sources.parts?.ask({
      generation: manifest.generation,
      identity: foldIdentity(manifest),
      questions,
    }) ?? [],
    sources.parts === undefined ? [] : sources.watermarks.get(),
  ]);
  const live = newestParts(answers);
  const stored = byPart(watermarks);
  const behind = parts.filter(({ name, topic, partition }) => {
    const reached = live.get(name)?.next_offset;
    if (reached === undefined) return true;
    const needed = Math.max(offsetOf(stored.get(name)), atLeast[topic]?.[partition] ?? 0);
    return reached < needed;
  });
  const fallback = behind.length === 0
    ? NOTHING_STORED
    : await readBehind(sources, { questions, behind, live });
  const found = parts.map((part): RoundPart => {
    const own = fallback.parts.get(part.name);
    if (own !== undefined) return { ...part, ...own, source: "store" };
    const answer = live.get(part.name);
    if (answer !== undefined) {
      return { ...part, folded: answer, source: "memory", answers: answer.answers };
    }
    return { ...part, folded: undefined, source: null, answers: questions.map(() => []) };
  });
  return new Round(found, { questions: request.questions, complete: fallback.complete });
}

interface Fallback {
  readonly parts: ReadonlyMap<string, Pick<RoundPart, "folded" | "answers">>;
  readonly complete: boolean;
}

const NOTHING_STORED: Fallback = { parts: new Map(), complete: true };

/** The answers of the store for those parts that it holds more of than every fold. */
async function readBehind(
  sources: RoundSources,
  { behind, live, questions }: {
    readonly questions: readonly PartsQuestion[];
    readonly behind: readonly SpeedPart[];
    readonly live: ReadonlyMap<string, PartAnswer>;
  },
): Promise<Fallback> {
  try {
    // Before any document: an answer may include more than its provenance reports, never less.
    const watermarks = byPart(await sources.watermarks.fresh());
    const parts = behind.filter(({ name }) =>
      offsetOf(watermarks.get(name)) > offsetOf(live.get(name))
    );
    if (parts.length === 0) return NOTHING_STORED;
    const { answers, complete } = await readStored(sources, { parts, questions });
    return {
      parts: new Map(parts.map(({ name }) => [name, {
        folded: watermarks.get(name)!,
        answers: answers.get(name)!,
      }])),
      complete,
    };
  } catch (error) {
    // Without the store, the memory of an older position is still a correct answer.
    if (hasCode(error, "not_found") || behind.some(({ name }) => !live.has(name))) throw error;
    return NOTHING_STORED;
  }
}

/** -1 if nothing was folded. */
function offsetOf(folded: Folded | undefined): number {
  return folded?.next_offset ?? -1;
}

function byPart(folded: readonly Folded[]): ReadonlyMap<string, Folded> {
  return new Map(folded.map((one) => [partitionName(one.topic, one.partition), one]));
}

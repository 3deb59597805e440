/**
 * The questions that serving asks the folds of speed, and their answers: documents of the *parts* of
 * one generation, from memory.
 *
 * A part is a pure function of one partition's prefix of the log. So any number of sources may
 * answer for one part, and the answer with the greatest `next_offset` is correct, whole: see
 * {@linkcode newestParts}. No source owns a part, and no directory says who answers.
 *
 * @module
 */

import {
  canonicalJson,
  hashBytes,
  partitionName,
  type PartQuery,
  type SubredditTotal,
  type ViewDocument,
  type ViewName,
  type WindowRange,
} from "@pipeline/core";
import type { Folded, Manifest } from "./generations.ts";

export type { PartQuery, SubredditTotal, WindowRange } from "@pipeline/core";

/** A question to every part. */
export type PartsQuestion =
  /** The documents with these ids, each without the part and the separator before it. */
  | { readonly view: ViewName; readonly keys: readonly string[] }
  /** Documents by their fields. */
  | { readonly view: ViewName; readonly query: PartQuery }
  /** Sums of each subreddit over the windows that start in `[from, to)`. */
  | { readonly totals: WindowRange };

/** Questions about one generation, which are answered together. */
export interface PartsRequest {
  /** The generation. */
  readonly generation: number;
  /** {@linkcode foldIdentity} of its manifest. */
  readonly identity: string;
  /** May be empty: then only positions and counts are answered. */
  readonly questions: readonly PartsQuestion[];
}

/** The answer to one question from one part. */
export type PartDocuments = readonly ViewDocument[] | readonly SubredditTotal[];

/** The answers of one part, all of them at the position `next_offset`. */
export interface PartAnswer extends Folded {
  /** One entry per question, in their order. */
  readonly answers: readonly PartDocuments[];
}

/** The folds that can be asked. */
export interface LiveParts {
  /**
   * Asks all sources. Resolves with the answers that arrived in time, several for one part
   * included; with none if no source answers. Never rejects.
   */
  ask(request: PartsRequest): Promise<readonly PartAnswer[]>;
}

/**
 * Identifies what is folded, whatever its state: the generation of another pipeline has the same
 * number, and may have the same definition of the views.
 */
export function foldIdentity(manifest: Manifest): string {
  const known = identities.get(manifest);
  if (known !== undefined) return known;
  const { generation, definition, horizon, last = null, history, planned = null } = manifest;
  const text = canonicalJson({ generation, definition, horizon, last, history, planned });
  const identity = hashBytes(new TextEncoder().encode(text));
  identities.set(manifest, identity);
  return identity;
}

const identities = new WeakMap<Manifest, string>();

/** Bounds of one request: a source refuses more. */
export const PARTS_BOUNDS = {
  /** Questions. */
  questions: 16,
  /** Keys, over all questions. */
  keys: 1_000,
  /** Windows of a range. */
  windows: 1_500,
  /** Documents of one part's answer to a question. */
  documents: 10_000,
  /** Bytes of the request. */
  body: 65_536,
} as const;

/** Of several answers for one part, the one that has folded most; by the part's name. */
export function newestParts(answers: Iterable<PartAnswer>): ReadonlyMap<string, PartAnswer> {
  const newest = new Map<string, PartAnswer>();
  for (const answer of answers) {
    const part = partitionName(answer.topic, answer.partition);
    const known = newest.get(part);
    if (known === undefined || answer.next_offset > known.next_offset) newest.set(part, answer);
  }
  return newest;
}

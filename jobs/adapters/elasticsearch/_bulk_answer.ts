/**
 * The result of a bulk request for each document.
 *
 * @module
 */

import { type ErrorCode, PipelineError, type StoredDocument } from "@pipeline/core";
import { codeOf, type ErrorBody, reasonOf } from "./_errors.ts";
import type { Position } from "./_terms.ts";

/** The requested fields of one item's answer. */
export interface ItemAnswer {
  /** HTTP status of the item. */
  readonly status: number;
  /** Absent if the item was written. */
  readonly error?: ErrorBody;
  /** Where it was put, if it was written: see `Position`. */
  readonly _primary_term?: number;
  /** The same. */
  readonly _seq_no?: number;
}

/** The fields of items that are requested from the server. */
export const ITEM_FIELDS: readonly string[] = [
  "items.*.status",
  "items.*.error",
  "items.*._primary_term",
  "items.*._seq_no",
];

/** The answers of a request's items. */
export function itemsOf(
  target: string,
  items: readonly Readonly<Record<string, unknown>>[] | undefined,
): ItemAnswer[] {
  if (!Array.isArray(items)) {
    throw new PipelineError("unavailable", `The bulk answer for ${target} has no items`);
  }
  return items.map((item) => Object.values(item)[0] as ItemAnswer);
}

/** Where an item was put; `undefined` if it was not written now. */
export function positionOf({ status, _primary_term, _seq_no }: ItemAnswer): Position | undefined {
  if (status >= 300 || _primary_term === undefined || _seq_no === undefined) return undefined;
  return { term: _primary_term, seq: _seq_no };
}

/** The items of a request that were not written. */
export interface Outcome {
  /** Indices of the documents to write again. */
  readonly again: readonly number[];
  /** Why the first of them was not written. */
  readonly error?: PipelineError;
}

/** Codes after which a retry of the item may succeed. */
const LATER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unavailable", "full"]);

/**
 * Sorts the items of a bulk answer: written, already stored (a conflict means that an equal or
 * greater version is), to be written again, or impossible.
 *
 * @throws {PipelineError} `not_found` if the index is missing; `invalid` if the server rejects a
 * document for its content, which no retry changes; `corrupt` if the answer does not belong to
 * these documents.
 */
export function sortAnswer(
  target: string,
  documents: readonly StoredDocument[],
  items: readonly ItemAnswer[],
): Outcome {
  if (items.length !== documents.length) {
    throw new PipelineError(
      "corrupt",
      `The bulk answer for ${target} has ${items.length} items, not ${documents.length}`,
    );
  }
  const again: number[] = [];
  let first: PipelineError | undefined;
  let refused = 0;
  let refusal: PipelineError | undefined;
  for (const [i, { status, error }] of items.entries()) {
    if (status < 300) continue;
    const code = codeOf(status, error);
    if (code === "conflict") continue;
    if (code === "not_found") {
      throw new PipelineError("not_found", `There is no index behind ${target}`);
    }
    const why = reasonOf(status, error);
    if (LATER.has(code)) {
      again.push(i);
      first ??= new PipelineError(code, `Elasticsearch cannot write to ${target} now: ${why}`);
    } else {
      refused++;
      const id = JSON.stringify(documents[i]!.id);
      refusal ??= new PipelineError("invalid", `Elasticsearch refuses document ${id}: ${why}`);
    }
  }
  if (refusal !== undefined) {
    if (refused === 1) throw refusal;
    throw new PipelineError("invalid", `${refusal.message} (and ${refused - 1} more)`);
  }
  return { again, ...(first && { error: first }) };
}

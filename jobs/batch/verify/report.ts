/**
 * Differences found by a verification.
 *
 * @module
 */

import { canonicalJson } from "@pipeline/core";

/** The check that found a difference. */
export type Check = "batch" | "speed" | "memory" | "merged" | "ledger";

/** One value that differs from the expected one. */
export interface Difference {
  /** The check that found it. */
  readonly check: Check;
  /** The document, key or record. */
  readonly what: string;
  /** The expected value; `undefined` if there must be none. */
  readonly expected: unknown;
  /** The value found; `undefined` if it is missing. */
  readonly found: unknown;
}

/** Collects differences: counts all, keeps the first ones. */
export class Differences {
  /** Number of differences. */
  count = 0;
  /** The first differences. */
  readonly first: Difference[] = [];
  readonly #keep: number;

  /**
   * Creates an empty collection.
   *
   * @param keep number of differences to keep.
   */
  constructor(keep = 1_000) {
    this.#keep = keep;
  }

  /** Adds a difference. */
  add(difference: Difference): void {
    this.count++;
    if (this.first.length < this.#keep) this.first.push(difference);
  }

  /** Adds a difference unless both values have the same canonical JSON. */
  compare(check: Check, what: string, expected: unknown, found: unknown): void {
    if (expected === found) return;
    if (
      expected !== undefined && found !== undefined &&
      canonicalJson(expected) === canonicalJson(found)
    ) return;
    this.add({ check, what, expected, found });
  }
}

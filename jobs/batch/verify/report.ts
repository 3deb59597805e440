/**
 * What a verification found.
 *
 * @module
 */

import { canonicalJson } from "@pipeline/core";

/** What was checked when a difference was found. */
export type Check = "batch" | "speed" | "merged" | "ledger";

/** One thing that is not as it must be. */
export interface Difference {
  /** The check that found it. */
  readonly check: Check;
  /** The document, key or record. */
  readonly what: string;
  /** What it must be; `undefined` where it must not be there. */
  readonly expected: unknown;
  /** What it is; `undefined` where it is missing. */
  readonly found: unknown;
}

/** Collects differences: counts all, keeps the first ones. */
export class Differences {
  /** How many there are. */
  count = 0;
  /** The first of them. */
  readonly first: Difference[] = [];
  readonly #keep: number;

  /**
   * None yet.
   *
   * @param keep how many are kept whole.
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

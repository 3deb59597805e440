/**
 * Names of subreddits and users: how they compare, and how they are shown.
 *
 * Reddit treats `AskMen`, `askmen` and `ASKMEN` as one subreddit, and users alike. So views are
 * keyed by {@linkcode nameKey}, and keep the latest spelling beside the key. Ids of posts and
 * comments are not names: they are case-sensitive.
 *
 * @module
 */

import { compareUtf8 } from "./bytes.ts";

/**
 * The key by which names compare: `A` to `Z` in lower case, all else unchanged. Names are equal if
 * their keys are; the key of a key is itself.
 */
export function nameKey(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}

/** How a name is shown: a register of its latest spelling. */
export interface Spelling {
  /** As a record wrote it; empty if none did. */
  readonly name: string;
  /** `timestamp` of that record, milliseconds; -1 if there is none. */
  readonly name_timestamp: number;
}

/** The spelling of a name that no record has written. */
export const NO_SPELLING: Spelling = { name: "", name_timestamp: -1 };

/** Orders spellings of one name, the shown one last: by time, then in UTF-8 order. */
export function compareSpellings(a: Spelling, b: Spelling): number {
  return a.name_timestamp - b.name_timestamp || compareUtf8(a.name, b.name);
}

/** Merges the spellings from the parts of a name. */
export function mergeSpellings(parts: readonly Spelling[]): Spelling {
  let shown = NO_SPELLING;
  for (const part of parts) if (compareSpellings(part, shown) > 0) shown = part;
  return { name: shown.name, name_timestamp: shown.name_timestamp };
}

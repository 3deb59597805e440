/**
 * Names of subreddits and users: how they compare, and how they are shown.
 *
 * Reddit takes `AskMen`, `askmen` and `ASKMEN` for one subreddit, and does the same with users. So views
 * are keyed by {@linkcode nameKey}, and keep beside it the spelling that was written last. Ids of posts
 * and comments are no names: case tells them apart.
 *
 * @module
 */

import { compareUtf8 } from "./bytes.ts";

/**
 * What names are compared by: `A` to `Z` as small letters, all else as it is. Names are the same
 * where their keys are; the key of a key is itself.
 */
export function nameKey(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}

/** How a name is shown: a register of the spelling that was written last. */
export interface Spelling {
  /** As a record wrote it; empty where none did. */
  readonly name: string;
  /** `timestamp` of that record, milliseconds; -1 where there is none. */
  readonly name_timestamp: number;
}

/** The spelling of a name that no record wrote. */
export const NO_SPELLING: Spelling = { name: "", name_timestamp: -1 };

/** Orders spellings of one name, the one that is shown last: by time, then in UTF-8 order. */
export function compareSpellings(a: Spelling, b: Spelling): number {
  return a.name_timestamp - b.name_timestamp || compareUtf8(a.name, b.name);
}

/** Merges the spellings that the parts of a name know. */
export function mergeSpellings(parts: readonly Spelling[]): Spelling {
  let shown = NO_SPELLING;
  for (const part of parts) if (compareSpellings(part, shown) > 0) shown = part;
  return { name: shown.name, name_timestamp: shown.name_timestamp };
}

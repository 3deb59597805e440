/**
 * Subreddits by number.
 *
 * @module
 */

import { type Key, KeyTable } from "./_keys.ts";
import type { MemberTable } from "./_members.ts";

/** Subreddits, told by number. */
export class SubredditTable {
  readonly #ids = new KeyTable();
  readonly #names: string[] = [];
  readonly #members: MemberTable;
  readonly #asMembers: number[] = [];

  /** A table without subreddits. */
  constructor(members: MemberTable) {
    this.#members = members;
  }

  /** How many there are. */
  get size(): number {
    return this.#names.length;
  }

  /** The number of a subreddit, which is added where unknown. */
  number(key: Key): number {
    const found = this.#ids.find(key);
    if (found >= 0) return found;
    const name = key.toString();
    this.#names.push(name);
    this.#asMembers.push(this.#members.of(name));
    return this.#ids.add(key);
  }

  /** Its name. */
  name(number: number): string {
    return this.#names[number]!;
  }

  /** What a subreddit is counted as among those of a user. */
  member(number: number): number {
    return this.#asMembers[number]!;
  }
}

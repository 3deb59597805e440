/**
 * Table of subreddits.
 *
 * @module
 */

import { Changes } from "./_changes.ts";
import type { Key } from "./_keys.ts";
import type { MemberTable } from "./_members.ts";
import { NameTable } from "./_names.ts";
import type { Part, SubredditDocument } from "./documents.ts";

/** Subreddits, identified by index. */
export class SubredditTable {
  readonly #names = new NameTable();
  readonly #members: MemberTable;
  readonly #asMembers: number[] = [];
  #changes: Changes | undefined;

  /** A table without subreddits. */
  constructor({ members }: {
    /** Numbers subreddits. */
    readonly members: MemberTable;
  }) {
    this.#members = members;
  }

  /** Whether changes are tracked. Switching it off forgets those that were not taken. */
  set track(on: boolean) {
    this.#changes = on ? this.#changes ?? new Changes() : undefined;
  }

  /** Number of subreddits. */
  get size(): number {
    return this.#names.size;
  }

  /** The index of a subreddit, or -1. */
  find(key: Key): number {
    return this.#names.find(key);
  }

  /** The index of a subreddit, added if unknown. */
  number(key: Key): number {
    const found = this.#names.find(key);
    if (found >= 0) return found;
    const subreddit = this.#names.add(key);
    this.#asMembers.push(this.#members.of(this.#names.key(subreddit)));
    return subreddit;
  }

  /** The index of a subreddit that a record names; also updates its spelling. */
  write(key: Key, timestamp: number): number {
    const subreddit = this.number(key);
    if (this.#names.write(subreddit, key, timestamp)) this.#changes?.touch(subreddit);
    return subreddit;
  }

  /** The key of its name. */
  key(subreddit: number): string {
    return this.#names.key(subreddit);
  }

  /** The subreddit as a member of the sets of users. */
  member(subreddit: number): number {
    return this.#asMembers[subreddit]!;
  }

  /** Marks all documents as changed, if changes are tracked. */
  touchAll(): void {
    for (let subreddit = 0; subreddit < this.size; subreddit++) {
      if (this.#names.isWritten(subreddit)) this.#changes?.touch(subreddit);
    }
  }

  /** Number of changed documents that were not taken. */
  get changes(): number {
    return this.#changes?.size ?? 0;
  }

  /** At most `limit` of the documents that changed since they were last taken. */
  changed(part: Part, limit?: number): SubredditDocument[] {
    const changed = this.#changes?.take(limit) ?? [];
    return changed.map((subreddit) => this.#document(subreddit, part));
  }

  /** The document of a subreddit, if a record has named it. */
  document(subreddit: number, part: Part): SubredditDocument | undefined {
    return this.#names.isWritten(subreddit) ? this.#document(subreddit, part) : undefined;
  }

  #document(subreddit: number, part: Part): SubredditDocument {
    return {
      type: "subreddit",
      part,
      subreddit: this.#names.key(subreddit),
      ...this.#names.spelling(subreddit),
    };
  }
}

/**
 * The announcements that were counted, by id: what later duplicates are told by.
 *
 * They are most of what a state holds, so they lie in columns: an object each would cost
 * several times the memory, and the garbage collector would move every one of them.
 *
 * @module
 */

/**
 * A table of announcements; entries are told by number.
 *
 * @typeParam U what stands for a user.
 * @typeParam S what stands for a subreddit.
 */
export class AnnouncedTable<U, S> {
  /** When each entry was created, milliseconds. */
  readonly created: number[] = [];
  /** The author who is counted. */
  readonly users: U[] = [];
  /** The subreddit that is counted, where it is known. */
  readonly subreddits: (S | undefined)[] = [];
  /** The post, where only that can tell the subreddit. */
  readonly #postIds = new Map<number, string>();
  readonly #byId = new Map<string, number>();
  /** Another entry under the same id, with another `created_utc`: there hardly are any. */
  readonly #next = new Map<number, number>();

  /** Number of entries. */
  get size(): number {
    return this.created.length;
  }

  /** Number of ids. */
  get ids(): number {
    return this.#byId.size;
  }

  /** The entry of an announcement, if it was counted. */
  find(id: string, created: number): number | undefined {
    let entry = this.#byId.get(id);
    while (entry !== undefined && this.created[entry] !== created) entry = this.#next.get(entry);
    return entry;
  }

  /** Adds an entry that {@linkcode find} does not find. */
  add(id: string, created: number): number {
    const entry = this.created.push(created) - 1;
    const first = this.#byId.get(id);
    if (first !== undefined) this.#next.set(entry, first);
    this.#byId.set(id, entry);
    return entry;
  }

  /** Sets who and where an entry is counted for. */
  count(entry: number, user: U, subreddit: S | undefined, postId: string | undefined): void {
    this.users[entry] = user;
    this.subreddits[entry] = subreddit;
    if (subreddit === undefined && postId !== undefined) this.#postIds.set(entry, postId);
    else this.#postIds.delete(entry);
  }

  /** The post through which an entry's subreddit can be found. */
  postId(entry: number): string | undefined {
    return this.#postIds.get(entry);
  }

  /** All entries with their ids. */
  *entries(): Generator<readonly [id: string, entry: number]> {
    for (const [id, first] of this.#byId) {
      for (let e: number | undefined = first; e !== undefined; e = this.#next.get(e)) yield [id, e];
    }
  }
}

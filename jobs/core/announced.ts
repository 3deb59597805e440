/**
 * The counted announcements, by id: later duplicates are recognised by them.
 *
 * They are most of a state, so they lie in columns: one object each would cost several times the
 * memory, and the garbage collector would move every one of them.
 *
 * @module
 */

import { Key, KeyTable } from "./_keys.ts";

/**
 * A table of announcements; entries are identified by index.
 *
 * @typeParam U how a user is identified.
 * @typeParam S how a subreddit is identified.
 */
export class AnnouncedTable<U, S> {
  /** When each entry was created, in milliseconds. */
  readonly created: number[] = [];
  /** The author who is counted. */
  readonly users: U[] = [];
  /** The subreddit that is counted, if known. */
  readonly subreddits: (S | undefined)[] = [];
  /** The post, if only it can determine the subreddit. */
  readonly #postIds = new Map<number, string>();
  /** Numbers entries. Of entries that share an id it finds the first. */
  readonly #ids = new KeyTable();
  /** Another entry with the same id and another `created_utc`, which is rare. */
  readonly #next = new Map<number, number>();
  readonly #key = new Key();

  /** Number of entries. */
  get size(): number {
    return this.created.length;
  }

  /** Number of ids. */
  get ids(): number {
    return this.#ids.found;
  }

  /** The entry of an announcement, if it was counted. */
  find(id: string | Key, created: number): number | undefined {
    const first = this.#ids.find(this.#keyOf(id));
    let entry = first < 0 ? undefined : first;
    while (entry !== undefined && this.created[entry] !== created) entry = this.#next.get(entry);
    return entry;
  }

  /** Adds an entry that {@linkcode find} does not find. */
  add(id: string | Key, created: number): number {
    const key = this.#keyOf(id);
    this.created.push(created);
    const first = this.#ids.find(key);
    if (first < 0) return this.#ids.add(key);
    const entry = this.#ids.append(key);
    const second = this.#next.get(first);
    if (second !== undefined) this.#next.set(entry, second);
    this.#next.set(first, entry);
    return entry;
  }

  #keyOf(id: string | Key): Key {
    return typeof id === "string" ? this.#key.set(id) : id;
  }

  /** Sets the author and the place that an entry is counted for. */
  count(entry: number, user: U, subreddit: S | undefined, postId: string | undefined): void {
    this.users[entry] = user;
    this.subreddits[entry] = subreddit;
    if (subreddit === undefined && postId !== undefined) this.#postIds.set(entry, postId);
    else if (this.#postIds.size > 0) this.#postIds.delete(entry);
  }

  /** The post through which an entry's subreddit can be found. */
  postId(entry: number): string | undefined {
    return this.#postIds.get(entry);
  }

  /** All entries with their ids. */
  *entries(): Generator<readonly [id: string, entry: number]> {
    const id = this.#ids.reader();
    const { size } = this;
    for (let entry = 0; entry < size; entry++) yield [id(entry), entry];
  }
}

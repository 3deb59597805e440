/**
 * Counts each announcement once, in the views that count.
 *
 * @module
 */

import type { ActivityTable } from "./_activity.ts";
import type { Facts } from "./_facts.ts";
import type { Key } from "./_keys.ts";
import type { SubredditTable } from "./_subreddits.ts";
import type { UserWindowTable } from "./_user_windows.ts";
import type { UserTable } from "./_users.ts";
import { AnnouncedTable } from "./announced.ts";
import type { Announcement } from "./announcement.ts";
import { compareUtf8 } from "./bytes.ts";
import { WINDOWS } from "./time.ts";

/**
 * The author and place that an announcement is counted for. Users and subreddits are identified by
 * index.
 */
interface Counted {
  readonly user: number;
  readonly subreddit: number | undefined;
  readonly postId: string | undefined;
}

/** Windows are identified by whole minutes: small integers need no memory of their own. */
const MINUTE = WINDOWS["1m"];

/** Stored in place of a cell's index while the subreddit is unknown. */
const UNKNOWN = -2;

/** The tables that hold the counts of announcements. */
export interface CountingTables {
  /** Totals of users. */
  readonly users: UserTable;
  /** Sums of users. */
  readonly userWindows: UserWindowTable;
  /** Names of subreddits. */
  readonly subreddits: SubredditTable;
  /** Sums of subreddits. */
  readonly activity: ActivityTable;
}

/** The announcements that were counted. */
export class Announcements {
  /** Number of announcements that were counted. */
  counted = 0;
  /** Number of announcements that were duplicates. */
  duplicates = 0;
  /** Number of announcements from before the first retained day, which were not counted. */
  retired = 0;
  /** Number of counted comments whose subreddit is unknown. */
  unresolved = 0;
  readonly #tables: CountingTables;
  readonly #from: number;
  readonly #tableOf = {
    post: new AnnouncedTable<number, number>(),
    comment: new AnnouncedTable<number, number>(),
  };

  /** @param from the first retained millisecond. */
  constructor(tables: CountingTables, from: number) {
    this.#tables = tables;
    this.#from = from;
  }

  /** Number of announced ids. */
  get ids(): number {
    return this.#tableOf.post.ids + this.#tableOf.comment.ids;
  }

  /** Counts an announcement, unless it is a duplicate. */
  announce(
    kind: Announcement["kind"],
    facts: Facts,
    { user, subreddit }: Pick<Counted, "user" | "subreddit">,
  ): void {
    const { created } = facts;
    // Idempotent contributions: every announcing record takes part.
    const member = subreddit === undefined ? undefined : this.#tables.subreddits.member(subreddit);
    this.#tables.users.announce(user, created, member);
    if (created < this.#from) {
      this.retired++;
      return;
    }
    const minute = Math.floor(created / MINUTE);
    const cell = this.#cell(subreddit, minute);
    if (subreddit !== undefined) {
      this.#tables.activity.addAuthor(cell, this.#tables.users.member(user));
    }

    const postId = kind === "comment" && subreddit === undefined
      ? facts.post.toString()
      : undefined;
    const announced = this.#tableOf[kind];
    const found = announced.find(facts.id, created);
    if (found === undefined) {
      announced.count(announced.add(facts.id, created), user, subreddit, postId);
      this.counted++;
      this.#count(kind, { minute, user, cell, by: 1 });
      return;
    }
    this.duplicates++;
    const counted = {
      user: announced.users[found]!,
      subreddit: announced.subreddits[found],
      postId: announced.postId(found),
    };
    if (this.#precedes({ user, subreddit, postId }, counted)) {
      const former = this.#cell(counted.subreddit, minute);
      this.#count(kind, { minute, user: counted.user, cell: former, by: -1 });
      announced.count(found, user, subreddit, postId);
      this.#count(kind, { minute, user, cell, by: 1 });
    }
  }

  /** The cell of the smallest retained window; -1 if none is retained. */
  #cell(subreddit: number | undefined, minute: number): number {
    return subreddit === undefined ? UNKNOWN : this.#tables.activity.finest(subreddit, minute);
  }

  /** Adds or takes back one counted announcement. */
  #count(
    kind: Announcement["kind"],
    { minute, user, cell, by }: { minute: number; user: number; cell: number; by: 1 | -1 },
  ): void {
    if (cell === UNKNOWN) this.unresolved += by;
    else this.#tables.activity.count(cell, kind, by);
    this.#tables.users.count(user, kind, by);
    this.#tables.userWindows.count(user, minute, { kind, by });
  }

  /**
   * A known subreddit before an unknown one, then the least subreddit, then the least author; then,
   * if only the post can determine the subreddit, the least post.
   */
  #precedes(a: Counted, b: Counted): boolean {
    if (a.subreddit !== b.subreddit) {
      const [one, other] = [a, b].map(({ subreddit }) =>
        subreddit === undefined ? undefined : this.#tables.subreddits.key(subreddit)
      );
      return lesser(one, other);
    }
    if (a.user !== b.user) {
      return compareUtf8(this.#tables.users.key(a.user), this.#tables.users.key(b.user)) < 0;
    }
    return a.subreddit === undefined && lesser(a.postId, b.postId);
  }

  /** Whether an announcement was counted. */
  has({ kind, id, created_utc }: Pick<Announcement, "kind" | "id" | "created_utc">): boolean {
    return this.#tableOf[kind].find(id, created_utc) !== undefined;
  }

  /** All counted announcements. */
  *all(): Generator<Announcement> {
    const { users, subreddits } = this.#tables;
    for (const kind of ["post", "comment"] as const) {
      const table = this.#tableOf[kind];
      for (const [id, entry] of table.entries()) {
        const created_utc = table.created[entry]!;
        const subreddit = table.subreddits[entry];
        const postId = table.postId(entry);
        const announced = { kind, id, created_utc, user_id: users.key(table.users[entry]!) };
        if (subreddit !== undefined) yield { ...announced, subreddit: subreddits.key(subreddit) };
        else yield postId === undefined ? announced : { ...announced, post_id: postId };
      }
    }
  }

  /** Restores a stored announcement whose counts are already restored. */
  restore(a: Announcement, key: Key): void {
    const { users, subreddits } = this.#tables;
    const table = this.#tableOf[a.kind];
    const entry = table.add(a.id, a.created_utc);
    const subreddit = a.subreddit === undefined
      ? undefined
      : subreddits.number(key.set(a.subreddit));
    table.count(entry, users.number(key.set(a.user_id)), subreddit, a.post_id);
    this.counted++;
    if (subreddit === undefined) this.unresolved++;
  }

  /** Adds a comment's contribution to the windows of the subreddit that was found for it. */
  resolve(created: number, { user, subreddit }: { user: number; subreddit: number }): void {
    const { activity, users } = this.#tables;
    const cell = activity.finest(subreddit, Math.floor(created / MINUTE));
    activity.addAuthor(cell, users.member(user));
    activity.count(cell, "comment", 1);
  }
}

function lesser(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined && b === undefined;
  return compareUtf8(a, b) < 0;
}

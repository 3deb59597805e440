/**
 * The three views, defined once for both layers: {@linkcode ViewState} lifts
 * records into keys and contributions, and folds them with commutative monoids.
 *
 * - *top posts*: a register per subreddit and post, the latest by version;
 * - *subreddit activity*: sums of announced posts and comments and a distinct
 *   count of their authors, per subreddit and window;
 * - *user activity*: the same sums per user and window, and totals.
 *
 * Names of subreddits and users are compared by their keys (see `names.ts`). Each record that a
 * view takes in - all but the updates of comments - also sets the spelling of the names in it.
 *
 * An announcement is identified by its kind, id and `created_utc`, and counted once. If records
 * announce the same with different authors or subreddits, the least (subreddit, author) is counted,
 * whatever came first (and of a comment whose subreddit is unknown, the least post is used); the
 * distinct counts and `last_active` take in all of them. So a state is a function of the *set* of
 * records that were folded.
 *
 * @module
 */

import { ActivityTable } from "./_activity.ts";
import { Announcements } from "./_announcements.ts";
import { Answers } from "./_answers.ts";
import { Facts } from "./_facts.ts";
import { Key } from "./_keys.ts";
import { MemberSets, MemberTable } from "./_members.ts";
import { PostTable } from "./_posts.ts";
import { Scanner } from "./_scan.ts";
import { SubredditTable } from "./_subreddits.ts";
import { UserWindowTable } from "./_user_windows.ts";
import { UserTable } from "./_users.ts";
import type { Announcement } from "./announcement.ts";
import { ChangedKeys, type ChangeSource } from "./changed_keys.ts";
import type { Part, PostDocument, ViewDocument, ViewName } from "./documents.ts";
import type { PartQuery, SubredditTotal, WindowRange } from "./query.ts";
import { admitRecord, type Entity, parseRecord, type Topic } from "./records.ts";
import { RETAIN_ALL, type RetainedFrom, type ViewSettings } from "./view_settings.ts";

export * from "./announcement.ts";
export type { ChangedKeys, ChangeSource } from "./changed_keys.ts";
export * from "./view_settings.ts";

/** The records folded into a state, by outcome. */
export interface FoldCounts {
  /** All records that were folded. */
  readonly records: number;
  /** Announcements that were counted, once each. */
  readonly announcements: number;
  /** Announcements that were duplicates. */
  readonly duplicates: number;
  /** Announcements older than the first retained day: not counted. */
  readonly retired: number;
  /** Counted comments whose subreddit is unknown. */
  readonly unresolved: number;
}

/** Shared by all states: each scanned record is folded before the next one is scanned. */
const scanner = new Scanner();

const LINE_FEED = 0x0a;

/** The views of a set of records, folded so far. */
export class ViewState {
  readonly #settings: ViewSettings;
  readonly #users: UserTable;
  readonly #userWindows: UserWindowTable;
  readonly #members = new MemberTable();
  readonly #subreddits: SubredditTable;
  readonly #posts = new PostTable();
  readonly #activity: ActivityTable;
  readonly #announcements: Announcements;
  readonly #answers: Answers;
  readonly #facts = new Facts();
  readonly #key = new Key();
  #track = false;
  #records = 0;

  /**
   * Creates an empty state.
   *
   * @param options.track see {@linkcode track}; false by default.
   */
  constructor(
    settings: ViewSettings,
    options: { readonly retained?: RetainedFrom; readonly track?: boolean } = {},
  ) {
    const { retained = RETAIN_ALL, track = false } = options;
    this.#settings = settings;
    const members = this.#members;
    const sets = new MemberSets(members);
    const users = this.#users = new UserTable({ members, sets });
    const userKey = (user: number) => users.key(user);
    this.#userWindows = new UserWindowTable(settings, { keyOf: userKey, retained });
    const subreddits = this.#subreddits = new SubredditTable({ members });
    const subredditKey = (subreddit: number) => subreddits.key(subreddit);
    this.#activity = new ActivityTable({ members, sets, keyOf: subredditKey, retained });
    const tables = {
      posts: this.#posts,
      subreddits,
      activity: this.#activity,
      users,
      userWindows: this.#userWindows,
    };
    this.#announcements = new Announcements(tables, retained["1d"]);
    this.#answers = new Answers(tables);
    this.track = track;
  }

  /**
   * Whether changes are tracked, for {@linkcode takeChanged}. Switching it on does not affect what
   * was folded before; switching it off forgets the changes that were not taken.
   */
  get track(): boolean {
    return this.#track;
  }

  set track(on: boolean) {
    this.#track = on;
    this.#posts.track = on;
    this.#subreddits.track = on;
    this.#activity.track = on;
    this.#userWindows.track = on;
    this.#users.track = on;
  }

  /** The counts so far. */
  get counts(): FoldCounts {
    return {
      records: this.#records,
      announcements: this.#announcements.counted,
      duplicates: this.#announcements.duplicates,
      retired: this.#announcements.retired,
      unresolved: this.#announcements.unresolved,
    };
  }

  /** Number of keys held, which determines the memory in use. */
  get keys(): number {
    return this.#users.size + this.#userWindows.size + this.#posts.size + this.#activity.size +
      this.#subreddits.size + this.#announcements.ids;
  }

  /** Folds one record. */
  add(record: Entity): void {
    this.#fold(this.#facts.set(record));
  }

  /**
   * Folds one record from its bytes: equivalent to {@linkcode add} of {@linkcode parseRecord}'s
   * result, and several times as fast for the canonical form.
   *
   * @throws {RecordError} as `parseRecord` does; the state is then unchanged.
   */
  addBytes(topic: Topic, value: Uint8Array | null): void {
    if (this.#scans(topic, value)) this.#fold(scanner.facts);
    else this.add(parseRecord(topic, value));
  }

  /**
   * Folds one record of the log if {@linkcode admitRecord} admits it, as {@linkcode addBytes} does.
   *
   * @param record its `timestamp` is when the log appended it, in milliseconds.
   * @throws {RecordError} as `admitRecord` does; the state is then unchanged.
   */
  admit(
    topic: Topic,
    { value, timestamp }: { readonly value: Uint8Array | null; readonly timestamp: number },
  ): void {
    const { facts } = scanner;
    const maxFuture = this.#settings.maxFuture;
    if (this.#scans(topic, value) && facts.timestamp <= timestamp + maxFuture) this.#fold(facts);
    else this.add(admitRecord(topic, value, timestamp, { maxFuture }));
  }

  #scans(topic: Topic, value: Uint8Array | null): boolean {
    if (value === null) return false;
    return scanner.open(value).read(topic) && scanner.at === value.length;
  }

  /**
   * Folds lines with one record each, as {@linkcode addBytes} does. Returns their number.
   *
   * @param lines each ends with a line feed.
   * @throws {RecordError} as `parseRecord` does; the lines before are then folded.
   */
  addLines(topic: Topic, lines: Uint8Array): number {
    scanner.open(lines);
    let count = 0;
    for (let start = 0; start < lines.length; start = ++scanner.at) {
      // Records that it accepts contain no line feed, so it never reads on into the next line.
      if (scanner.read(topic) && lines[scanner.at] === LINE_FEED) {
        this.#fold(scanner.facts);
      } else {
        const end = lines.indexOf(LINE_FEED, start);
        if (end < 0) throw new RangeError("The last line does not end with a line feed");
        this.add(parseRecord(topic, lines.subarray(start, end)));
        scanner.at = end;
      }
      count++;
    }
    return count;
  }

  #fold(facts: Facts): void {
    this.#records++;
    const { kind, announces, timestamp } = facts;
    if (kind === "comment" && !announces) return;
    const user = this.#users.write(facts.user, timestamp);
    if (kind === "user") return this.#users.register(user, facts);
    const subreddit = facts.located
      ? this.#subreddits.write(facts.subreddit, timestamp)
      : undefined;
    if (kind === "post") {
      this.#posts.register(facts, { number: subreddit!, key: this.#subreddits.key(subreddit!) });
    }
    if (announces) this.#announcements.announce(kind, facts, { user, subreddit });
  }

  /** The whole documents of all keys that changed since the last call, while {@linkcode track} was on. */
  takeChanged(part: Part): ViewDocument[] {
    return [
      ...this.#posts.changed(part),
      ...this.#subreddits.changed(part),
      ...this.#activity.changed(part),
      ...this.#userWindows.changed(part),
      ...this.#users.changed(part),
    ];
  }

  /**
   * The keys that have changed until now and were not taken, to be taken a few at a time. A key that
   * changes again after it was taken is left to a later call. Each call needs the keys of the call
   * before to be taken, or given up.
   */
  changed(part: Part): ChangedKeys {
    return new ChangedKeys({
      top_posts: [source(this.#posts, part)],
      subreddit_activity: [source(this.#subreddits, part), source(this.#activity, part)],
      user_activity: [source(this.#userWindows, part), source(this.#users, part)],
    });
  }

  /**
   * Marks the keys of all documents as changed, if changes are tracked: those that were taken may
   * have been lost.
   */
  touchAll(): void {
    this.#posts.touchAll();
    this.#subreddits.touchAll();
    this.#activity.touchAll();
    this.#userWindows.touchAll();
    this.#users.touchAll();
  }

  /** The documents of all keys, without counts that were taken back to zero. */
  *documents(part: Part): Generator<ViewDocument> {
    for (let subreddit = 0; subreddit < this.#subreddits.size; subreddit++) {
      yield* this.#posts.documents(subreddit, part);
      const named = this.#subreddits.document(subreddit, part);
      if (named !== undefined) yield named;
      yield* this.#activity.documents(subreddit, part);
    }
    yield* this.#users.documents(part);
    yield* this.#userWindows.documents(part);
  }

  /**
   * The one of {@linkcode documents} with a key, a document's id without its part. So a document
   * whose counts were taken back to zero is left out, which {@linkcode takeChanged} gives: merged
   * answers are equal either way.
   *
   * @returns `undefined` if there is none, or if the text is no key of the view.
   */
  get(part: Part, view: ViewName, key: string): ViewDocument | undefined {
    return this.#answers.get(part, view, key);
  }

  /**
   * Those of {@linkcode documents} that a query selects, in its order. Documents of one subreddit,
   * of one user, and of windows in a range are looked up; other queries read a whole table.
   *
   * @param query its `limit` is an integer from 0.
   */
  search(part: Part, view: ViewName, query: PartQuery): ViewDocument[] {
    return this.#answers.search(part, view, query);
  }

  /**
   * The sums of each subreddit over the windows of a range, without subreddits that have no
   * announcements in it; in no particular order.
   */
  totals(range: WindowRange): SubredditTotal[] {
    return this.#answers.totals(range);
  }

  /** The posts held, a subreddit at a time. */
  *posts(part: Part): Generator<readonly PostDocument[]> {
    for (let subreddit = 0; subreddit < this.#subreddits.size; subreddit++) {
      const posts = this.#posts.documents(subreddit, part);
      if (posts.length > 0) yield posts;
    }
  }

  /** Whether an announcement was counted. */
  hasAnnounced(a: Pick<Announcement, "kind" | "id" | "created_utc">): boolean {
    return this.#announcements.has(a);
  }

  /** The announcements that were counted; later duplicates are recognised by them. */
  announcements(): Generator<Announcement> {
    return this.#announcements.all();
  }

  /** Restores a stored document, as if the records behind it had been folded. */
  restore(document: ViewDocument): void {
    switch (document.type) {
      case "post": {
        const number = this.#subredditOf(document.subreddit);
        const subreddit = { number, key: this.#subreddits.key(number) };
        return this.#posts.restore(document, { id: this.#key.set(document.post_id), subreddit });
      }
      case "cut":
        return;
      case "subreddit":
        if (document.name_timestamp < 0) return;
        return void this.#subreddits.write(this.#key.set(document.name), document.name_timestamp);
      case "activity":
        return this.#activity.restore(this.#subredditOf(document.subreddit), document);
      case "user_window":
        if (!this.#settings.userWindows.includes(document.window)) return;
        return this.#userWindows.restore(this.#userOf(document.user_id), document);
      case "user_total": {
        const { user_id, name, name_timestamp } = document;
        const user = name_timestamp < 0
          ? this.#userOf(user_id)
          : this.#users.write(this.#key.set(name), name_timestamp);
        return this.#users.restore(user, document);
      }
    }
  }

  /** Restores a stored announcement whose counts {@linkcode restore} has restored. */
  restoreAnnouncement(a: Announcement): void {
    this.#announcements.restore(a, this.#key);
  }

  /** Adds to a user's subreddits the one that was found for a comment. */
  addSubreddit(userId: string, subreddit: string): void {
    const found = this.#subreddits.member(this.#subredditOf(subreddit));
    this.#users.addSubreddit(this.#userOf(userId), found);
  }

  /**
   * Adds a comment's contribution to the windows of the subreddit that was found for it. Its user's
   * counts were added when it was announced.
   */
  addResolved(comment: Announcement, subreddit: string): void {
    const found = { user: this.#userOf(comment.user_id), subreddit: this.#subredditOf(subreddit) };
    this.#announcements.resolve(comment.created_utc, found);
  }

  #subredditOf(name: string): number {
    return this.#subreddits.number(this.#key.set(name));
  }

  #userOf(id: string): number {
    return this.#users.number(this.#key.set(id));
  }
}

/** The changes of a table. */
function source(
  table: {
    readonly changes: number;
    changed(part: Part, limit: number): readonly ViewDocument[];
  },
  part: Part,
): ChangeSource {
  return { left: table.changes, take: (limit) => table.changed(part, limit) };
}

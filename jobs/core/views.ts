/**
 * The three views, defined once for both layers: {@linkcode ViewState} lifts
 * records into keys and contributions, and folds them with commutative monoids.
 *
 * - *top posts*: a register per subreddit and post, the latest by version;
 * - *subreddit activity*: sums of announced posts and comments and a distinct
 *   count of their authors, per subreddit and window;
 * - *user activity*: the same sums per user and window, and totals.
 *
 * An announcement is identified by its kind, id and `created_utc`, and counted
 * once. Where records announce the same with another author or subreddit, the
 * least (subreddit, author) is counted, whatever came first (and of a comment whose
 * subreddit is unknown, the least post is taken); the distinct counts and
 * `last_active` take in all of them. So a state is a function of the *set* of
 * records that were folded.
 *
 * @module
 */

import { AnnouncedTable } from "./announced.ts";
import { compareUtf8 } from "./bytes.ts";
import { Distinct, Member } from "./distinct.ts";
import type {
  ActivityDocument,
  Part,
  PostDocument,
  UserTotalDocument,
  UserWindowDocument,
  ViewDocument,
} from "./documents.ts";
import { hashText } from "./hash.ts";
import { canonicalJson } from "./bytes.ts";
import { EXACT_LIMIT, PRECISION } from "./distinct.ts";
import { DEFAULT_MAX_FUTURE, type Entity, type Post, type User } from "./records.ts";
import { comparePostVersions, compareUserVersions } from "./versions.ts";
import { WINDOW_NAMES, type WindowName, WINDOWS } from "./time.ts";

/** What a view generation is computed with; part of its identity. */
export interface ViewSettings {
  /** Windows that user activity is counted in. */
  readonly user_windows: readonly WindowName[];
  /** How far ahead of the log's clock an event may be, in milliseconds. */
  readonly max_future: number;
}

/** The settings where nothing else is configured. */
export const DEFAULT_SETTINGS: ViewSettings = {
  user_windows: ["1d"],
  max_future: DEFAULT_MAX_FUTURE,
};

/**
 * The first retained window start of each size; 0 keeps everything. A smaller size is
 * never retained longer than a larger one.
 */
export type RetainedFrom = Readonly<Record<WindowName, number>>;

/** Keeps everything. */
export const RETAIN_ALL: RetainedFrom = { "1m": 0, "1h": 0, "1d": 0 };

/** Raised whenever the meaning of a view changes. */
const DEFINITION = 1;

/**
 * Names the views' definitions and settings. Layers with another hash never write
 * into one generation.
 */
export function definitionHash(settings: ViewSettings): string {
  return hashText(canonicalJson({
    definition: DEFINITION,
    precision: PRECISION,
    exact: EXACT_LIMIT,
    windows: WINDOWS,
    ...settings,
  }));
}

/** An announcement as it was counted. `subreddit` is absent where nobody knew it. */
export interface Announcement {
  /** What is announced. */
  readonly kind: "post" | "comment";
  /** Of the post or comment. */
  readonly id: string;
  /** Milliseconds; decides the windows. Part of the identity. */
  readonly created_utc: number;
  /** The author who is counted. */
  readonly user_id: string;
  /** The subreddit that is counted. */
  readonly subreddit?: string;
  /** The comment's post, through which batch finds the subreddit. */
  readonly post_id?: string;
}

/** What a state has seen, by what became of it. */
export interface FoldCounts {
  /** All records that were folded. */
  readonly records: number;
  /** Announcements that were counted, once each. */
  readonly announcements: number;
  /** Announcements of what was announced already. */
  readonly duplicates: number;
  /** Announcements older than the first retained day: not counted. */
  readonly retired: number;
  /** Counted comments whose subreddit is unknown. */
  readonly unresolved: number;
}

/** Sizes from the day down: each window is tiled by those of the next size. */
const NESTED = [...WINDOW_NAMES].reverse();
const FINEST = NESTED.length - 1;
const SIZES = NESTED.map((name) => WINDOWS[name]);

/**
 * A subreddit in one window. Windows are told by number, not by start: as keys,
 * small integers are twice as fast as milliseconds.
 */
class ActivityCell {
  posts = 0;
  comments = 0;
  changed = false;
  /** The first author. Most minutes have no other. */
  #author: Member | undefined;
  /** All authors, where there are several. */
  #authors: Distinct | undefined;
  /** The windows of the next size that lie in this one, ascending. */
  children: ActivityCell[] | undefined;
  constructor(
    readonly subreddit: string,
    readonly level: number,
    readonly number: number,
    readonly parent: ActivityCell | undefined,
  ) {}

  /** Adds an author. Returns false where that changed nothing. */
  addAuthor(member: Member): boolean {
    if (this.#authors !== undefined) return this.#authors.add(member);
    const author = this.#author;
    if (author === undefined) {
      this.#author = member;
      return true;
    }
    if (author === member || author.hash === member.hash) return false;
    this.#authors = this.authors;
    return this.#authors.add(member);
  }

  /** Adds authors in the stored form. */
  addAuthors(stored: string): void {
    this.#authors = this.authors;
    this.#authors.addStored(stored);
  }

  /** Whether nobody was counted. */
  get empty(): boolean {
    return this.#author === undefined && (this.#authors?.empty ?? true);
  }

  get authors(): Distinct {
    if (this.#authors !== undefined) return this.#authors;
    const authors = new Distinct();
    if (this.#author !== undefined) authors.add(this.#author);
    return authors;
  }
}

class PostCell {
  changed = false;
  constructor(public version: PostVersion) {}
}

type PostVersion = Omit<PostDocument, "type" | "part">;

class SubredditState {
  readonly posts = new Map<string, PostCell>();
  readonly days = new Map<number, ActivityCell>();
  /** The finest cell that was used last: records come about in the order of time. */
  latest: ActivityCell | undefined;
  #member: Member | undefined;
  constructor(readonly name: string) {}
  get member(): Member {
    return this.#member ??= Member.of(this.name);
  }
  *cells(): Generator<ActivityCell> {
    for (const day of this.days.values()) yield* withChildren(day);
  }
}

function* withChildren(cell: ActivityCell): Generator<ActivityCell> {
  yield cell;
  for (const child of cell.children ?? []) yield* withChildren(child);
}

class UserWindowCell {
  posts = 0;
  comments = 0;
  changed = false;
  constructor(
    readonly user: string,
    readonly window: WindowName,
    readonly number: number,
  ) {}
}

class UserState {
  posts = 0;
  comments = 0;
  lastActive = -1;
  readonly subreddits = new Distinct();
  account: UserVersion = NO_ACCOUNT;
  changed = false;
  readonly windows: Map<number, UserWindowCell>[];
  readonly latest: (UserWindowCell | undefined)[];
  #member: Member | undefined;
  constructor(readonly id: string, windows: number) {
    this.windows = Array.from({ length: windows }, () => new Map());
    this.latest = new Array(windows).fill(undefined);
  }
  get member(): Member {
    return this.#member ??= Member.of(this.id);
  }
}

type UserVersion = Pick<UserTotalDocument, "karma" | "karma_timestamp" | "username">;

const NO_ACCOUNT: UserVersion = { karma: 0, karma_timestamp: -1, username: "" };

type Kind = Announcement["kind"];

/** Who and where an announcement is counted for. */
interface Counted {
  readonly user: UserState;
  readonly subreddit: SubredditState | undefined;
  readonly postId: string | undefined;
}

function countedAs(
  table: AnnouncedTable<UserState, SubredditState>,
  entry: number,
): Counted {
  const user = table.users[entry]!;
  return { user, subreddit: table.subreddits[entry], postId: table.postId(entry) };
}

/** The views of a set of records, folded so far. */
export class ViewState {
  readonly #settings: ViewSettings;
  readonly #retained: RetainedFrom;
  readonly #track: boolean;
  readonly #userSizes: readonly number[];
  readonly #subreddits = new Map<string, SubredditState>();
  readonly #users = new Map<string, UserState>();
  readonly #announced = {
    post: new AnnouncedTable<UserState, SubredditState>(),
    comment: new AnnouncedTable<UserState, SubredditState>(),
  };
  /** Posts and windows held, counted as they come: each flush reports {@linkcode keys}. */
  #cells = 0;
  #changedPosts: PostCell[] = [];
  #changedActivity: ActivityCell[] = [];
  #changedWindows: UserWindowCell[] = [];
  #changedUsers: UserState[] = [];
  #records = 0;
  #announcements = 0;
  #duplicates = 0;
  #retired = 0;
  #unresolved = 0;

  /**
   * Makes a state that has seen nothing.
   *
   * @param options.track remember which keys change, for {@linkcode takeChanged}.
   */
  constructor(
    settings: ViewSettings,
    options: { readonly retained?: RetainedFrom; readonly track?: boolean } = {},
  ) {
    this.#settings = settings;
    this.#retained = options.retained ?? RETAIN_ALL;
    this.#track = options.track ?? false;
    this.#userSizes = settings.user_windows.map((name) => WINDOWS[name]);
  }

  /** What was seen so far. */
  get counts(): FoldCounts {
    return {
      records: this.#records,
      announcements: this.#announcements,
      duplicates: this.#duplicates,
      retired: this.#retired,
      unresolved: this.#unresolved,
    };
  }

  /** Number of keys held: what memory grows with. */
  get keys(): number {
    const { post, comment } = this.#announced;
    return this.#users.size + post.ids + comment.ids + this.#cells;
  }

  /** Folds one record. */
  add(record: Entity): void {
    this.#records++;
    switch (record.kind) {
      case "post": {
        const subreddit = this.#subreddit(record.subreddit);
        this.#register(subreddit, record);
        if (record.timestamp === record.created_utc) {
          this.#announce("post", record.post_id, record, subreddit, undefined);
        }
        break;
      }
      case "comment": {
        if (record.timestamp !== record.created_utc) break;
        const name = record.subreddit;
        const subreddit = name === undefined ? undefined : this.#subreddit(name);
        this.#announce("comment", record.comment_id, record, subreddit, record.post_id);
        break;
      }
      case "user":
        this.#account(this.#user(record.user_id), record);
    }
  }

  /** Keeps the later of two versions of a post. */
  #register(subreddit: SubredditState, post: Post | PostVersion): void {
    const cell = subreddit.posts.get(post.post_id);
    if (cell === undefined) {
      const added = new PostCell(postVersion(post));
      subreddit.posts.set(post.post_id, added);
      this.#cells++;
      if (this.#track) this.#touch(added, this.#changedPosts);
    } else if (comparePostVersions(post, cell.version) > 0) {
      cell.version = postVersion(post);
      if (this.#track) this.#touch(cell, this.#changedPosts);
    }
  }

  #account(user: UserState, record: User | (UserVersion & { readonly timestamp: number })): void {
    const version: UserVersion = {
      karma: record.karma,
      karma_timestamp: record.timestamp,
      username: record.username,
    };
    if (compareUserVersions(version, user.account) > 0) {
      user.account = version;
      if (this.#track) this.#touch(user, this.#changedUsers);
    }
  }

  #announce(
    kind: Kind,
    id: string,
    record: { readonly created_utc: number; readonly user_id: string },
    subreddit: SubredditState | undefined,
    postId: string | undefined,
  ): void {
    const created = record.created_utc;
    const user = this.#user(record.user_id);
    // Idempotent contributions: every record that announces takes part.
    if (created > user.lastActive) user.lastActive = created;
    if (subreddit !== undefined) user.subreddits.add(subreddit.member);
    if (this.#track) this.#touch(user, this.#changedUsers);
    if (created < this.#retained["1d"]) {
      this.#retired++;
      return;
    }
    if (subreddit !== undefined) this.#addAuthor(subreddit, created, user.member);

    const announced = this.#announced[kind];
    const found = announced.find(id, created);
    if (found === undefined) {
      announced.count(announced.add(id, created), user, subreddit, postId);
      this.#announcements++;
      this.#count(kind, { created, user, subreddit }, 1);
      return;
    }
    this.#duplicates++;
    const counted = countedAs(announced, found);
    if (precedes({ user, subreddit, postId }, counted)) {
      this.#count(kind, { ...counted, created }, -1);
      announced.count(found, user, subreddit, postId);
      this.#count(kind, { created, user, subreddit }, 1);
    }
  }

  #addAuthor(subreddit: SubredditState, created: number, author: Member): void {
    // Whoever is counted in a window is counted in those around it.
    let cell = this.#finest(subreddit, created);
    while (cell !== undefined && cell.addAuthor(author)) {
      if (this.#track) this.#touch(cell, this.#changedActivity);
      cell = cell.parent;
    }
  }

  /** Adds or takes back one counted announcement. */
  #count(kind: Kind, announced: Omit<Counted, "postId"> & { created: number }, by: 1 | -1): void {
    const { subreddit, user, created } = announced;
    if (subreddit === undefined) {
      this.#unresolved += by;
    } else {
      for (let c = this.#finest(subreddit, created); c !== undefined; c = c.parent) {
        if (kind === "post") c.posts += by;
        else c.comments += by;
        if (this.#track) this.#touch(c, this.#changedActivity);
      }
    }
    if (kind === "post") user.posts += by;
    else user.comments += by;
    if (this.#track) this.#touch(user, this.#changedUsers);
    for (let w = 0; w < this.#userSizes.length; w++) {
      const cell = this.#userCell(user, w, created);
      if (cell === undefined) continue;
      if (kind === "post") cell.posts += by;
      else cell.comments += by;
      if (this.#track) this.#touch(cell, this.#changedWindows);
    }
  }

  #subreddit(name: string): SubredditState {
    let state = this.#subreddits.get(name);
    if (state === undefined) this.#subreddits.set(name, state = new SubredditState(name));
    return state;
  }

  #user(id: string): UserState {
    let state = this.#users.get(id);
    if (state === undefined) {
      this.#users.set(id, state = new UserState(id, this.#userSizes.length));
    }
    return state;
  }

  /** The cell of the smallest retained window; its parents are the larger ones. */
  #finest(subreddit: SubredditState, created: number): ActivityCell | undefined {
    const latest = subreddit.latest;
    if (latest !== undefined && latest.number === Math.floor(created / SIZES[FINEST]!)) {
      return latest;
    }
    const cell = this.#cell(subreddit, FINEST, created);
    if (cell?.level === FINEST) subreddit.latest = cell;
    return cell;
  }

  /** The cell of the smallest retained window that is not below `level`. */
  #cell(subreddit: SubredditState, level: number, created: number): ActivityCell | undefined {
    let cell: ActivityCell | undefined;
    for (let l = 0; l <= level; l++) {
      const size = SIZES[l]!;
      const number = Math.floor(created / size);
      if (number * size < this.#retained[NESTED[l]!]) return cell;
      cell = cell === undefined ? this.#day(subreddit, number) : this.#child(cell, number);
    }
    return cell;
  }

  #day(subreddit: SubredditState, number: number): ActivityCell {
    let day = subreddit.days.get(number);
    if (day === undefined) {
      subreddit.days.set(number, day = new ActivityCell(subreddit.name, 0, number, undefined));
      this.#cells++;
    }
    return day;
  }

  /** At most 60 children, ascending: the one that is wanted is most often the last or new. */
  #child(parent: ActivityCell, number: number): ActivityCell {
    const children = parent.children ??= [];
    let i = children.length - 1;
    while (i >= 0 && children[i]!.number > number) i--;
    if (i >= 0 && children[i]!.number === number) return children[i]!;
    const child = new ActivityCell(parent.subreddit, parent.level + 1, number, parent);
    if (i === children.length - 1) children.push(child);
    else children.splice(i + 1, 0, child);
    this.#cells++;
    return child;
  }

  #userCell(user: UserState, w: number, created: number): UserWindowCell | undefined {
    const size = this.#userSizes[w]!;
    const number = Math.floor(created / size);
    const latest = user.latest[w];
    if (latest !== undefined && latest.number === number) return latest;
    const name = this.#settings.user_windows[w]!;
    if (number * size < this.#retained[name]) return undefined;
    const cells = user.windows[w]!;
    let cell = cells.get(number);
    if (cell === undefined) {
      cells.set(number, cell = new UserWindowCell(user.id, name, number));
      this.#cells++;
    }
    return user.latest[w] = cell;
  }

  #touch<T extends { changed: boolean }>(cell: T, changed: T[]): void {
    if (cell.changed) return;
    cell.changed = true;
    changed.push(cell);
  }

  /** The documents of all keys that changed since the last call, whole. */
  takeChanged(part: Part): ViewDocument[] {
    const documents: ViewDocument[] = [];
    for (const cell of this.#changedPosts) documents.push(postDocument(cell, part));
    for (const cell of this.#changedActivity) documents.push(activityDocument(cell, part));
    for (const cell of this.#changedWindows) documents.push(userWindowDocument(cell, part));
    for (const user of this.#changedUsers) documents.push(userTotalDocument(user, part));
    for (
      const cells of [
        this.#changedPosts,
        this.#changedActivity,
        this.#changedWindows,
        this.#changedUsers,
      ]
    ) {
      for (const cell of cells) cell.changed = false;
      cells.length = 0;
    }
    return documents;
  }

  /** The documents of all keys. Counts that were taken back to nothing are left out. */
  *documents(part: Part): Generator<ViewDocument> {
    for (const subreddit of this.#subreddits.values()) {
      for (const cell of subreddit.posts.values()) yield postDocument(cell, part);
      for (const cell of subreddit.cells()) {
        if (!cell.empty) yield activityDocument(cell, part);
      }
    }
    for (const user of this.#users.values()) {
      yield userTotalDocument(user, part);
      for (const cells of user.windows) {
        for (const cell of cells.values()) {
          if (cell.posts > 0 || cell.comments > 0) yield userWindowDocument(cell, part);
        }
      }
    }
  }

  /** The posts held, a subreddit at a time. */
  *posts(part: Part): Generator<readonly PostDocument[]> {
    for (const subreddit of this.#subreddits.values()) {
      if (subreddit.posts.size === 0) continue;
      yield [...subreddit.posts.values()].map((cell) => postDocument(cell, part));
    }
  }

  /** Whether an announcement was counted. */
  hasAnnounced(a: Pick<Announcement, "kind" | "id" | "created_utc">): boolean {
    return this.#announced[a.kind].find(a.id, a.created_utc) !== undefined;
  }

  /** The announcements that were counted: what later duplicates are told by. */
  *announcements(): Generator<Announcement> {
    for (const kind of ["post", "comment"] as const) {
      const table = this.#announced[kind];
      for (const [id, entry] of table.entries()) {
        const created_utc = table.created[entry]!;
        const { user, subreddit, postId } = countedAs(table, entry);
        const announced = { kind, id, created_utc, user_id: user.id };
        if (subreddit !== undefined) yield { ...announced, subreddit: subreddit.name };
        else yield postId === undefined ? announced : { ...announced, post_id: postId };
      }
    }
  }

  /** Takes up a stored document, as if the records behind it had been folded. */
  restore(document: ViewDocument): void {
    switch (document.type) {
      case "post":
        return this.#register(this.#subreddit(document.subreddit), document);
      case "cut":
        return;
      case "activity": {
        const level = NESTED.indexOf(document.window);
        const cell = this.#cell(this.#subreddit(document.subreddit), level, document.window_start);
        if (cell?.level !== level) return;
        cell.posts += document.posts;
        cell.comments += document.comments;
        cell.addAuthors(document.users);
        return;
      }
      case "user_window": {
        const w = this.#settings.user_windows.indexOf(document.window);
        if (w < 0) return;
        const cell = this.#userCell(this.#user(document.user_id), w, document.window_start);
        if (cell === undefined) return;
        cell.posts += document.posts;
        cell.comments += document.comments;
        return;
      }
      case "user_total": {
        const user = this.#user(document.user_id);
        user.posts += document.posts;
        user.comments += document.comments;
        user.subreddits.addStored(document.subreddits);
        user.lastActive = Math.max(user.lastActive, document.last_active);
        this.#account(user, { ...document, timestamp: document.karma_timestamp });
      }
    }
  }

  /** Takes up a stored announcement whose counts {@linkcode restore} took up. */
  restoreAnnouncement(a: Announcement): void {
    const table = this.#announced[a.kind];
    const subreddit = a.subreddit === undefined ? undefined : this.#subreddit(a.subreddit);
    const entry = table.add(a.id, a.created_utc);
    table.count(entry, this.#user(a.user_id), subreddit, a.post_id);
    this.#announcements++;
    if (a.subreddit === undefined) this.#unresolved++;
  }

  /** Adds to a user's subreddits one that was found for a comment. */
  addSubreddit(userId: string, subreddit: string): void {
    this.#user(userId).subreddits.add(this.#subreddit(subreddit).member);
  }

  /**
   * Adds what a comment contributes to the windows of a subreddit that was found for it. Its user's
   * counts were taken when it was announced.
   */
  addResolved(comment: Announcement, subreddit: string): void {
    const found = this.#subreddit(subreddit);
    const user = this.#user(comment.user_id);
    this.#addAuthor(found, comment.created_utc, user.member);
    for (let c = this.#finest(found, comment.created_utc); c !== undefined; c = c.parent) {
      c.comments++;
    }
  }
}

/**
 * A known subreddit before an unknown one, then the least subreddit, then the least author; then,
 * where only the post can tell the subreddit, the least post.
 */
function precedes(a: Counted, b: Counted): boolean {
  if (a.subreddit?.name !== b.subreddit?.name) return lesser(a.subreddit?.name, b.subreddit?.name);
  if (a.user.id !== b.user.id) return compareUtf8(a.user.id, b.user.id) < 0;
  return a.subreddit === undefined && lesser(a.postId, b.postId);
}

function lesser(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined && b === undefined;
  return compareUtf8(a, b) < 0;
}

function postVersion(post: Post | PostVersion): PostVersion {
  return {
    subreddit: post.subreddit,
    post_id: post.post_id,
    title: post.title,
    user_id: post.user_id,
    score: post.score,
    num_comments: post.num_comments,
    created_utc: post.created_utc,
    timestamp: post.timestamp,
  };
}

function postDocument(cell: PostCell, part: Part): PostDocument {
  return { type: "post", part, ...cell.version };
}

function activityDocument(cell: ActivityCell, part: Part): ActivityDocument {
  const { authors } = cell;
  return {
    type: "activity",
    part,
    subreddit: cell.subreddit,
    window: NESTED[cell.level]!,
    window_start: cell.number * SIZES[cell.level]!,
    posts: cell.posts,
    comments: cell.comments,
    active_users: authors.count(),
    users: authors.toString(),
  };
}

function userWindowDocument(cell: UserWindowCell, part: Part): UserWindowDocument {
  return {
    type: "user_window",
    part,
    user_id: cell.user,
    window: cell.window,
    window_start: cell.number * WINDOWS[cell.window],
    posts: cell.posts,
    comments: cell.comments,
  };
}

function userTotalDocument(user: UserState, part: Part): UserTotalDocument {
  return {
    type: "user_total",
    part,
    user_id: user.id,
    posts: user.posts,
    comments: user.comments,
    subreddits: user.subreddits.toString(),
    last_active: user.lastActive,
    ...user.account,
  };
}

/**
 * Subreddit activity, folded: sums and distinct authors per subreddit and window.
 *
 * There are more windows than anything else, and each record reaches into three of them. So they
 * lie side by side in one array of numbers: one window fills one line of the processor's cache, and
 * the garbage collector has no objects to trace.
 *
 * @module
 */

import { Changes } from "./_changes.ts";
import { grown } from "./_keys.ts";
import type { MemberSets, MemberTable } from "./_members.ts";
import { FINEST, NESTED, SIZES, Walk } from "./_nested.ts";
import { firstWindows, numbersIn, type WindowQuery, type WindowTable } from "./_window_ranges.ts";
import type { ActivityDocument, Part } from "./documents.ts";
import type { WindowRange } from "./query.ts";
import { type WindowName, WINDOWS } from "./time.ts";
import type { RetainedFrom } from "./view_settings.ts";

// The fields of a cell. A cell is identified by its start index; -1 stands for none.
const POSTS = 0;
const COMMENTS = 1;
/** Number of the window since 1970: as keys, small integers are faster than milliseconds. */
const NUMBER = 2;
/** The cell of the enclosing window. */
const PARENT = 3;
/** The previous cell in the same enclosing window. */
const BEFORE = 4;
/** The last cell of the windows inside it. */
const LAST = 5;
/** Index of the only author, which is the common case; or -2 - n, where n is the index of an author set. */
const AUTHOR = 6;
/** The subreddit and the nesting level of the window. */
const PLACE = 7;
const LENGTH = 8;

const NONE = -1;

/** What an {@linkcode ActivityTable} depends on. */
export interface ActivityOptions {
  /** Numbers authors. */
  readonly members: MemberTable;
  /** Keeps sets of authors. */
  readonly sets: MemberSets;
  /** The key of a subreddit's name. */
  readonly keyOf: (subreddit: number) => string;
  /** The start of retention. */
  readonly retained: RetainedFrom;
}

/** Cells of subreddits' windows. Authors and subreddits are identified by index. */
export class ActivityTable implements WindowTable {
  #cells = new Int32Array(2 * LENGTH);
  #end = 0;
  /** The days of each subreddit, by number. */
  readonly #days: Map<number, number>[] = [];
  /** The finest cell of each subreddit that was used last: records arrive roughly in time order. */
  readonly #latest: number[] = [];
  /** The first retained minute, by size. */
  readonly #from: readonly number[];
  #changes: Changes | undefined;
  readonly #members: MemberTable;
  readonly #sets: MemberSets;
  readonly #keyOf: (subreddit: number) => string;

  constructor({ members, sets, keyOf, retained }: ActivityOptions) {
    this.#members = members;
    this.#sets = sets;
    this.#keyOf = keyOf;
    this.#from = NESTED.map((name) => retained[name] / WINDOWS["1m"]);
  }

  /** Whether changes are tracked. Switching it off forgets those that were not taken. */
  set track(on: boolean) {
    this.#changes = on ? this.#changes ?? new Changes() : undefined;
  }

  /** Number of cells. */
  get size(): number {
    return this.#end / LENGTH;
  }

  /** The cell of the smallest retained window, or -1; the enclosing cells follow from it. */
  finest(subreddit: number, minute: number): number {
    const latest = this.#latest[subreddit];
    if (latest !== undefined && this.#cells[latest + NUMBER]! >>> 0 === minute) return latest;
    return this.#descend(subreddit, minute, FINEST);
  }

  /** The cell of the smallest retained window that is not below `level`. */
  #descend(subreddit: number, minute: number, level: number): number {
    let cell = NONE;
    for (let l = 0; l <= level; l++) {
      const size = SIZES[l]!;
      const number = Math.floor(minute / size);
      if (number * size < this.#from[l]!) return cell;
      cell = l === 0 ? this.#day(subreddit, number) : this.#child(cell, number);
    }
    if (level === FINEST) this.#latest[subreddit] = cell;
    return cell;
  }

  #day(subreddit: number, number: number): number {
    const days = this.#days[subreddit] ??= new Map();
    let day = days.get(number);
    if (day === undefined) days.set(number, day = this.#add(subreddit << 2, number));
    return day;
  }

  /** A window has at most 60 children: the wanted one is usually the last one or new. */
  #child(parent: number, number: number): number {
    const cells = this.#cells;
    let after = NONE;
    let cell = cells[parent + LAST]!;
    while (cell !== NONE && cells[cell + NUMBER]! >>> 0 > number) {
      after = cell;
      cell = cells[cell + BEFORE]!;
    }
    if (cell !== NONE && cells[cell + NUMBER]! >>> 0 === number) return cell;
    const child = this.#add(cells[parent + PLACE]! + 1, number);
    this.#cells[child + PARENT] = parent;
    this.#cells[child + BEFORE] = cell;
    if (after === NONE) this.#cells[parent + LAST] = child;
    else this.#cells[after + BEFORE] = child;
    return child;
  }

  #add(place: number, number: number): number {
    const cell = this.#end;
    this.#end += LENGTH;
    if (this.#end > this.#cells.length) this.#cells = grown(this.#cells);
    const cells = this.#cells;
    cells[cell + NUMBER] = number;
    cells[cell + PARENT] = cells[cell + BEFORE] = NONE;
    cells[cell + LAST] = cells[cell + AUTHOR] = NONE;
    cells[cell + PLACE] = place;
    return cell;
  }

  /** Adds an author to a cell and its enclosing cells. */
  addAuthor(cell: number, member: number): void {
    // An author counted in a window is counted in all enclosing windows.
    for (let c = cell; c !== NONE && this.#addTo(c, member); c = this.#cells[c + PARENT]!) {
      this.#changes?.touch(c / LENGTH);
    }
  }

  #addTo(cell: number, member: number): boolean {
    const author = this.#cells[cell + AUTHOR]!;
    if (author === NONE) {
      this.#cells[cell + AUTHOR] = member;
      return true;
    }
    if (author === member) return false;
    return this.#sets.add(author < NONE ? -2 - author : this.#setOf(cell), member);
  }

  /** The set of authors of a cell, created if missing. */
  #setOf(cell: number): number {
    const author = this.#cells[cell + AUTHOR]!;
    if (author < NONE) return -2 - author;
    const set = this.#sets.make();
    if (author !== NONE) this.#sets.add(set, author);
    this.#cells[cell + AUTHOR] = -2 - set;
    return set;
  }

  /** Adds announcements to a cell and its enclosing cells. */
  count(cell: number, kind: "post" | "comment", by: number): void {
    const cells = this.#cells;
    const counter = kind === "post" ? POSTS : COMMENTS;
    for (let c = cell; c !== NONE; c = cells[c + PARENT]!) {
      cells[c + counter]! += by;
      this.#changes?.touch(c / LENGTH);
    }
  }

  /** Restores a stored document. */
  restore(subreddit: number, document: ActivityDocument): void {
    const level = NESTED.indexOf(document.window);
    const cell = this.#descend(subreddit, document.window_start / WINDOWS["1m"], level);
    if (cell === NONE || (this.#cells[cell + PLACE]! & 3) !== level) return;
    this.#cells[cell + POSTS]! += document.posts;
    this.#cells[cell + COMMENTS]! += document.comments;
    this.#sets.addStored(this.#setOf(cell), document.users);
  }

  /** Marks all documents as changed, if changes are tracked. */
  touchAll(): void {
    this.#changes?.touchAll(this.size);
  }

  /** Number of changed documents that were not taken. */
  get changes(): number {
    return this.#changes?.size ?? 0;
  }

  /** At most `limit` of the documents that changed since they were last taken. */
  changed(part: Part, limit?: number): ActivityDocument[] {
    const changed = this.#changes?.take(limit) ?? [];
    return changed.map((place) => this.#document(place * LENGTH, part));
  }

  /** The documents of a subreddit, without those that count no author. */
  *documents(subreddit: number, part: Part): Generator<ActivityDocument> {
    for (const day of this.#days[subreddit]?.values() ?? []) {
      for (const cell of this.#within(day)) {
        if (!this.#isEmpty(cell)) yield this.#document(cell, part);
      }
    }
  }

  /**
   * Those of {@linkcode documents} that a query selects, of several subreddits: the first `limit`
   * if it orders by window, otherwise all.
   */
  select(
    query: WindowQuery,
    { subreddits, part }: { readonly subreddits: Iterable<number>; readonly part: Part },
  ): ActivityDocument[] {
    const most = query.order === "latest" ? query.limit : Infinity;
    const walks = NESTED.map((window, level) => new Walk(level, numbersIn(window, query), most))
      .filter((walk) => walk.first < walk.end);
    for (const subreddit of subreddits) {
      for (const walk of walks) this.#find(subreddit, walk);
    }
    const found = walks.flatMap((walk) => walk.found);
    return firstWindows(found, query, this).map((cell) => this.#document(cell, part));
  }

  /** The sums of each of the first subreddits over a range of windows. */
  *totals(subreddits: number, range: WindowRange): Generator<{ posts: number; comments: number }> {
    const level = NESTED.indexOf(range.window);
    const walk = new Walk(level, numbersIn(range.window, range), Infinity);
    for (let subreddit = 0; subreddit < subreddits; subreddit++) {
      walk.found.length = 0;
      if (level >= 0) this.#find(subreddit, walk);
      let [posts, comments] = [0, 0];
      for (const cell of walk.found) {
        posts += this.#cells[cell + POSTS]!;
        comments += this.#cells[cell + COMMENTS]!;
      }
      yield { posts, comments };
    }
  }

  /** Adds a subreddit's cells of a range to those found: at most as many as wanted, the latest. */
  #find(subreddit: number, walk: Walk): void {
    const days = this.#days[subreddit];
    if (days === undefined) return;
    walk.full = walk.found.length + walk.most;
    const { firstDay, endDay } = walk;
    if (endDay - firstDay <= days.size) {
      for (let number = endDay - 1; number >= firstDay; number--) {
        const day = days.get(number);
        if (day !== undefined) this.#walk(day, walk);
      }
    } else if (days.size === 1 || walk.most === Infinity) {
      for (const day of days.values()) if (walk.reaches(this.#number(day))) this.#walk(day, walk);
    } else {
      const numbers = [...days.keys()].filter((number) => walk.reaches(number));
      for (const number of numbers.sort((a, b) => b - a)) this.#walk(days.get(number)!, walk);
    }
  }

  #walk(cell: number, walk: Walk): void {
    if (walk.found.length >= walk.full) return;
    const cells = this.#cells;
    const level = cells[cell + PLACE]! & 3;
    if (level === walk.level) {
      if (!this.#isEmpty(cell)) walk.found.push(cell);
      return;
    }
    const tiles = SIZES[level + 1]! / SIZES[walk.level]!;
    for (let c = cells[cell + LAST]!; c !== NONE; c = cells[c + BEFORE]!) {
      const number = cells[c + NUMBER]! >>> 0;
      if ((number + 1) * tiles <= walk.first) return;
      if (number * tiles < walk.end) this.#walk(c, walk);
    }
  }

  *#within(cell: number): Generator<number> {
    yield cell;
    const children: number[] = [];
    for (let c = this.#cells[cell + LAST]!; c !== NONE; c = this.#cells[c + BEFORE]!) {
      children.push(c);
    }
    for (const child of children.reverse()) yield* this.#within(child);
  }

  #isEmpty(cell: number): boolean {
    const author = this.#cells[cell + AUTHOR]!;
    return author === NONE || (author < NONE && this.#sets.isEmpty(-2 - author));
  }

  #number(cell: number): number {
    return this.#cells[cell + NUMBER]! >>> 0;
  }

  /** Start of a cell's window, milliseconds since 1970. */
  startOf(cell: number): number {
    return this.#number(cell) * WINDOWS[this.sizeOf(cell)];
  }

  /** Size of a cell's window. */
  sizeOf(cell: number): WindowName {
    return NESTED[this.#cells[cell + PLACE]! & 3]!;
  }

  /** The key of a cell's subreddit. */
  nameOf(cell: number): string {
    return this.#keyOf(this.#cells[cell + PLACE]! >> 2);
  }

  #document(cell: number, part: Part): ActivityDocument {
    const cells = this.#cells;
    return {
      type: "activity",
      part,
      subreddit: this.nameOf(cell),
      window: this.sizeOf(cell),
      window_start: this.startOf(cell),
      posts: cells[cell + POSTS]!,
      comments: cells[cell + COMMENTS]!,
      ...this.#users(cells[cell + AUTHOR]!),
    };
  }

  #users(author: number): Pick<ActivityDocument, "active_users" | "users"> {
    if (author === NONE) return { active_users: 0, users: "" };
    if (author >= 0) return { active_users: 1, users: `x${this.#members.hash(author)}` };
    const set = -2 - author;
    return { active_users: this.#sets.count(set), users: this.#sets.text(set) };
  }
}

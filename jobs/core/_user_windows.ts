/**
 * Sums per user and window. Like the windows of subreddits, they lie side by side in one array of
 * numbers, as there are many.
 *
 * @module
 */

import { Changes } from "./_changes.ts";
import { grown } from "./_keys.ts";
import { firstWindows, numbersIn, type WindowQuery, type WindowTable } from "./_window_ranges.ts";
import type { Part, UserWindowDocument } from "./documents.ts";
import { type WindowName, WINDOWS } from "./time.ts";
import type { RetainedFrom, ViewSettings } from "./view_settings.ts";

// The fields of a cell. A cell is identified by its start index; -1 stands for none.
const POSTS = 0;
const COMMENTS = 1;
/** Number of the window since 1970. */
const NUMBER = 2;
const USER = 3;
/** Index of the size. */
const SIZE = 4;
/** The previously used cell of the same user and size. */
const BEFORE = 5;
const LENGTH = 6;

const NONE = -1;
const MINUTE = WINDOWS["1m"];

/** Cells of users' windows. Users are identified by index. */
export class UserWindowTable implements WindowTable {
  #cells = new Int32Array(2 * LENGTH);
  #end = 0;
  /** The last used cell of each user and size, + 1: records arrive roughly in time order. */
  #latest = new Int32Array(16);
  readonly #names: readonly WindowName[];
  /** Length and first retained minute of each size, in minutes. */
  readonly #sizes: readonly number[];
  readonly #from: readonly number[];
  #changes: Changes | undefined;
  readonly #keyOf: (user: number) => string;

  /** A table without cells. */
  constructor({ userWindows }: ViewSettings, { keyOf, retained }: {
    /** The key of a user's name. */
    readonly keyOf: (user: number) => string;
    /** The start of retention. */
    readonly retained: RetainedFrom;
  }) {
    this.#keyOf = keyOf;
    this.#names = userWindows;
    this.#sizes = userWindows.map((name) => WINDOWS[name] / MINUTE);
    this.#from = userWindows.map((name) => retained[name] / MINUTE);
  }

  /** Whether changes are tracked. Switching it off forgets those that were not taken. */
  set track(on: boolean) {
    this.#changes = on ? this.#changes ?? new Changes() : undefined;
  }

  /** Number of cells. */
  get size(): number {
    return this.#end / LENGTH;
  }

  /** Adds announcements to the retained windows that contain a minute. */
  count(user: number, minute: number, { kind, by }: { kind: "post" | "comment"; by: number }) {
    for (let w = 0; w < this.#sizes.length; w++) {
      const cell = this.#cell(user, w, minute);
      if (cell === NONE) continue;
      this.#cells[cell + (kind === "post" ? POSTS : COMMENTS)]! += by;
      this.#changes?.touch(cell / LENGTH);
    }
  }

  /** Restores a stored document. */
  restore(user: number, document: UserWindowDocument): void {
    const w = this.#names.indexOf(document.window);
    const cell = w < 0 ? NONE : this.#cell(user, w, document.window_start / MINUTE);
    if (cell === NONE) return;
    this.#cells[cell + POSTS]! += document.posts;
    this.#cells[cell + COMMENTS]! += document.comments;
  }

  #cell(user: number, w: number, minute: number): number {
    const size = this.#sizes[w]!;
    const number = Math.floor(minute / size);
    const place = user * this.#sizes.length + w;
    while (place >= this.#latest.length) this.#latest = grown(this.#latest);
    const latest = this.#latest[place]! - 1;
    if (latest !== NONE && this.#cells[latest + NUMBER]! >>> 0 === number) return latest;
    if (number * size < this.#from[w]!) return NONE;
    const cell = this.#earlier(latest, number) ?? this.#add(user, w, number);
    this.#cells[cell + BEFORE] = latest;
    this.#latest[place] = cell + 1;
    return cell;
  }

  /** Unlinks a cell from behind the latest one: used cells move to the front. */
  #earlier(latest: number, number: number): number | undefined {
    const cells = this.#cells;
    let after = latest;
    while (after !== NONE) {
      const cell = cells[after + BEFORE]!;
      if (cell === NONE) break;
      if (cells[cell + NUMBER]! >>> 0 === number) {
        cells[after + BEFORE] = cells[cell + BEFORE]!;
        return cell;
      }
      after = cell;
    }
    return undefined;
  }

  #add(user: number, w: number, number: number): number {
    const cell = this.#end;
    this.#end += LENGTH;
    while (this.#end > this.#cells.length) this.#cells = grown(this.#cells);
    this.#cells[cell + NUMBER] = number;
    this.#cells[cell + USER] = user;
    this.#cells[cell + SIZE] = w;
    return cell;
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
  changed(part: Part, limit?: number): UserWindowDocument[] {
    const changed = this.#changes?.take(limit) ?? [];
    return changed.map((place) => this.#document(place * LENGTH, part));
  }

  /** All documents, except of cells whose counts were taken back to zero. */
  *documents(part: Part): Generator<UserWindowDocument> {
    for (let cell = 0; cell < this.#end; cell += LENGTH) {
      if (!this.#isEmpty(cell)) yield this.#document(cell, part);
    }
  }

  /**
   * Those of {@linkcode documents} that a query selects, of one user or of all: the first `limit`
   * if it orders by window, otherwise all.
   */
  select(
    query: WindowQuery,
    { user, part }: { readonly user: number | undefined; readonly part: Part },
  ): UserWindowDocument[] {
    const cells = user === undefined ? this.#all() : this.#of(user);
    const ranges = this.#names.map((window) => numbersIn(window, query));
    const selected = cells.filter((cell) => {
      const { first, end } = ranges[this.#cells[cell + SIZE]!]!;
      const number = this.#cells[cell + NUMBER]! >>> 0;
      return number >= first && number < end && !this.#isEmpty(cell);
    });
    return firstWindows(selected, query, this).map((cell) => this.#document(cell, part));
  }

  #all(): number[] {
    return Array.from({ length: this.size }, (_, place) => place * LENGTH);
  }

  #of(user: number): number[] {
    const found: number[] = [];
    for (let w = 0; w < this.#sizes.length; w++) {
      const latest = this.#latest[user * this.#sizes.length + w] ?? 0;
      for (let cell = latest - 1; cell !== NONE; cell = this.#cells[cell + BEFORE]!) {
        found.push(cell);
      }
    }
    return found;
  }

  #isEmpty(cell: number): boolean {
    return this.#cells[cell + POSTS]! <= 0 && this.#cells[cell + COMMENTS]! <= 0;
  }

  /** Start of a cell's window, milliseconds since 1970. */
  startOf(cell: number): number {
    return (this.#cells[cell + NUMBER]! >>> 0) * WINDOWS[this.sizeOf(cell)];
  }

  /** Size of a cell's window. */
  sizeOf(cell: number): WindowName {
    return this.#names[this.#cells[cell + SIZE]!]!;
  }

  /** The key of a cell's user. */
  nameOf(cell: number): string {
    return this.#keyOf(this.#cells[cell + USER]!);
  }

  #document(cell: number, part: Part): UserWindowDocument {
    const cells = this.#cells;
    return {
      type: "user_window",
      part,
      user_id: this.nameOf(cell),
      window: this.sizeOf(cell),
      window_start: this.startOf(cell),
      posts: cells[cell + POSTS]!,
      comments: cells[cell + COMMENTS]!,
    };
  }
}

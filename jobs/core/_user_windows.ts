/**
 * Sums a user and window. There are many of them: like the windows of subreddits, they lie side by
 * side in one array of numbers.
 *
 * @module
 */

import { Changes } from "./_changes.ts";
import { grown } from "./_keys.ts";
import type { Part, UserWindowDocument } from "./documents.ts";
import { type WindowName, WINDOWS } from "./time.ts";
import type { RetainedFrom, ViewSettings } from "./view_settings.ts";

// What a cell is made of. A cell is identified by its start index; -1 stands for none.
const POSTS = 0;
const COMMENTS = 1;
/** Of the window, counted since 1970. */
const NUMBER = 2;
const USER = 3;
/** Which of the sizes. */
const SIZE = 4;
/** The cell of the same user and size that was used before. */
const BEFORE = 5;
const LENGTH = 6;

const NONE = -1;
const MINUTE = WINDOWS["1m"];

/** Cells of users' windows. Users are told by number. */
export class UserWindowTable {
  #cells = new Int32Array(2 * LENGTH);
  #end = 0;
  /** A user's cells that were used last + 1, one a size: records come about in the order of time. */
  #latest = new Int32Array(16);
  readonly #names: readonly WindowName[];
  /** Of each size the length, and the first minute that is kept: in minutes. */
  readonly #sizes: readonly number[];
  readonly #from: readonly number[];
  readonly #changes: Changes | undefined;

  /** A table without cells. */
  constructor(
    { userWindows }: ViewSettings,
    { retained, track }: { readonly retained: RetainedFrom; readonly track: boolean },
  ) {
    this.#names = userWindows;
    this.#sizes = userWindows.map((name) => WINDOWS[name] / MINUTE);
    this.#from = userWindows.map((name) => retained[name] / MINUTE);
    if (track) this.#changes = new Changes();
  }

  /** How many cells there are. */
  get size(): number {
    return this.#end / LENGTH;
  }

  /** Adds announcements to the retained windows around a minute. */
  count(user: number, minute: number, { kind, by }: { kind: "post" | "comment"; by: number }) {
    for (let w = 0; w < this.#sizes.length; w++) {
      const cell = this.#cell(user, w, minute);
      if (cell === NONE) continue;
      this.#cells[cell + (kind === "post" ? POSTS : COMMENTS)]! += by;
      this.#changes?.touch(cell / LENGTH);
    }
  }

  /** Takes up a stored document. */
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

  /** Takes a cell out from behind the latest one: what is used goes to the front. */
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

  /** The documents of what changed since the last call. */
  changed(part: Part, keyOf: (user: number) => string): UserWindowDocument[] {
    const changed = this.#changes?.take() ?? [];
    return changed.map((place) => this.#document(place * LENGTH, part, keyOf));
  }

  /** All documents but of those cells that were taken back to nothing. */
  *documents(part: Part, keyOf: (user: number) => string): Generator<UserWindowDocument> {
    for (let cell = 0; cell < this.#end; cell += LENGTH) {
      const [posts, comments] = [this.#cells[cell + POSTS]!, this.#cells[cell + COMMENTS]!];
      if (posts > 0 || comments > 0) yield this.#document(cell, part, keyOf);
    }
  }

  #document(cell: number, part: Part, keyOf: (user: number) => string): UserWindowDocument {
    const cells = this.#cells;
    const window = this.#names[cells[cell + SIZE]!]!;
    return {
      type: "user_window",
      part,
      user_id: keyOf(cells[cell + USER]!),
      window,
      window_start: (cells[cell + NUMBER]! >>> 0) * WINDOWS[window],
      posts: cells[cell + POSTS]!,
      comments: cells[cell + COMMENTS]!,
    };
  }
}

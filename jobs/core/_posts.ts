/**
 * Top posts, folded: the latest version of each post in a subreddit.
 *
 * @module
 */

import type { Facts } from "./_facts.ts";
import { firstOf } from "./_first.ts";
import { type Key, KeyTable } from "./_keys.ts";
import { Queue } from "./_queue.ts";
import type { Part, PostDocument } from "./documents.ts";
import { comparePostVersions, compareRank, type PostVersion } from "./versions.ts";

/** A post in a subreddit, in the latest version that was folded. */
class PostCell implements PostVersion {
  title = "";
  user_id = "";
  score = 0;
  num_comments = 0;
  created_utc = 0;
  timestamp = -1;
  changed = false;
  constructor(
    readonly subreddit: string,
    readonly post_id: string,
    /** The same post in another subreddit, which is rare. */
    readonly next: PostCell | undefined,
  ) {}
}

/** The subreddit of a post: its number and the key of its name. */
interface Home {
  readonly number: number;
  readonly key: string;
}

/** The indices under which a post is kept. */
interface Place {
  readonly id: Key;
  readonly subreddit: Home;
}

/** Posts, by subreddit. */
export class PostTable {
  readonly #ids = new KeyTable();
  /** By index of the id. */
  readonly #cells: PostCell[] = [];
  /** By index of the subreddit. */
  readonly #bySubreddit: PostCell[][] = [];
  readonly #changed = new Queue<PostCell>();
  #track = false;
  #size = 0;

  /** Whether changes are tracked. Switching it off forgets those that were not taken. */
  set track(on: boolean) {
    this.#track = on;
    if (!on) this.#takeChanged();
  }

  /** Number of posts. */
  get size(): number {
    return this.#size;
  }

  /** Keeps the later of two versions of a post. */
  register(facts: Facts, subreddit: Home): void {
    const cell = this.#find(facts.id, subreddit.key) ?? this.#add({ id: facts.id, subreddit });
    const { timestamp } = facts;
    if (timestamp < cell.timestamp) return;
    // Make strings only of new texts.
    const title = facts.text.is(cell.title) ? cell.title : facts.text.toString();
    const user_id = facts.user.is(cell.user_id) ? cell.user_id : facts.user.toString();
    const { score, comments: num_comments, created: created_utc } = facts;
    if (timestamp === cell.timestamp) {
      const { post_id, subreddit } = cell;
      const version = { subreddit, post_id, title, user_id, score, num_comments, created_utc };
      if (comparePostVersions({ ...version, timestamp }, cell) <= 0) return;
    }
    cell.title = title;
    cell.user_id = user_id;
    cell.score = score;
    cell.num_comments = num_comments;
    cell.created_utc = created_utc;
    cell.timestamp = timestamp;
    this.#touch(cell);
  }

  /** Restores a stored document. */
  restore(document: PostDocument, place: Place): void {
    const cell = this.#find(place.id, place.subreddit.key) ?? this.#add(place);
    if (cell.timestamp >= 0 && comparePostVersions(document, cell) <= 0) return;
    const { title, user_id, score, num_comments, created_utc, timestamp } = document;
    Object.assign(cell, { title, user_id, score, num_comments, created_utc, timestamp });
    this.#touch(cell);
  }

  #find(id: Key, subreddit: string): PostCell | undefined {
    const number = this.#ids.find(id);
    let cell = number < 0 ? undefined : this.#cells[number];
    while (cell !== undefined && cell.subreddit !== subreddit) cell = cell.next;
    return cell;
  }

  #add({ id, subreddit }: Place): PostCell {
    let number = this.#ids.find(id);
    if (number < 0) number = this.#ids.add(id);
    const cell = new PostCell(subreddit.key, id.toString(), this.#cells[number]);
    this.#cells[number] = cell;
    (this.#bySubreddit[subreddit.number] ??= []).push(cell);
    this.#size++;
    return cell;
  }

  #touch(cell: PostCell): void {
    if (!this.#track || cell.changed) return;
    cell.changed = true;
    this.#changed.push(cell);
  }

  /** Marks all documents as changed, if changes are tracked. */
  touchAll(): void {
    for (const cells of this.#bySubreddit) cells?.forEach((cell) => this.#touch(cell));
  }

  /** Number of changed documents that were not taken. */
  get changes(): number {
    return this.#changed.size;
  }

  /** At most `limit` of the documents that changed since they were last taken. */
  changed(part: Part, limit = Infinity): PostDocument[] {
    return this.#takeChanged(limit).map((cell) => postDocument(cell, part));
  }

  #takeChanged(limit = Infinity): PostCell[] {
    const changed = this.#changed.take(limit);
    for (const cell of changed) cell.changed = false;
    return changed;
  }

  /** The document of a post in the subreddit with a key. */
  document(
    id: Key,
    { subreddit, part }: { subreddit: string; part: Part },
  ): PostDocument | undefined {
    const cell = this.#find(id, subreddit);
    return cell && postDocument(cell, part);
  }

  /** The documents of the best posts of a subreddit, best first. */
  best(subreddit: number, { limit, part }: { limit: number; part: Part }): PostDocument[] {
    const best = firstOf(this.#bySubreddit[subreddit] ?? [], limit, compareRank);
    return best.map((cell) => postDocument(cell, part));
  }

  /** The documents of a subreddit. */
  documents(subreddit: number, part: Part): PostDocument[] {
    return this.#bySubreddit[subreddit]?.map((cell) => postDocument(cell, part)) ?? [];
  }
}

function postDocument(cell: PostCell, part: Part): PostDocument {
  return {
    type: "post",
    part,
    subreddit: cell.subreddit,
    post_id: cell.post_id,
    title: cell.title,
    user_id: cell.user_id,
    score: cell.score,
    num_comments: cell.num_comments,
    created_utc: cell.created_utc,
    timestamp: cell.timestamp,
  };
}

/**
 * Questions to a state: its documents by key and by their fields, and sums. Whatever serving asks
 * is looked up; only what nobody asks is a scan.
 *
 * @module
 */

import type { ActivityTable } from "./_activity.ts";
import { Key } from "./_keys.ts";
import type { PostTable } from "./_posts.ts";
import type { SubredditTable } from "./_subreddits.ts";
import type { UserWindowTable } from "./_user_windows.ts";
import type { UserTable } from "./_users.ts";
import type { WindowQuery } from "./_window_ranges.ts";
import { type DocumentKey, documentKey, parseDocumentKey } from "./document_keys.ts";
import type { Part, ViewDocument, ViewName } from "./documents.ts";
import { page, type PartQuery, type SubredditTotal, type WindowRange } from "./query.ts";

type WindowKey = Extract<DocumentKey, { readonly window_start: number }>;

/** The tables of a state. */
export interface AnswerTables {
  /** Versions of posts. */
  readonly posts: PostTable;
  /** Names of subreddits. */
  readonly subreddits: SubredditTable;
  /** Sums of subreddits. */
  readonly activity: ActivityTable;
  /** Totals of users. */
  readonly users: UserTable;
  /** Sums of users. */
  readonly userWindows: UserWindowTable;
}

/** Answers from tables, without changing them. */
export class Answers {
  readonly #tables: AnswerTables;
  readonly #key = new Key();

  /** Answers from these tables. */
  constructor(tables: AnswerTables) {
    this.#tables = tables;
  }

  /** The document with a key. */
  get(part: Part, view: ViewName, key: string): ViewDocument | undefined {
    const fields = parseDocumentKey(view, key);
    return fields && this.#document(part, fields);
  }

  #document(part: Part, fields: DocumentKey): ViewDocument | undefined {
    const { posts, subreddits, activity, users, userWindows } = this.#tables;
    switch (fields.type) {
      case "post":
        return posts.document(this.#key.set(fields.post_id), {
          subreddit: fields.subreddit,
          part,
        });
      case "cut":
        return undefined;
      case "subreddit": {
        const [found] = this.#subreddits(fields);
        return found === undefined ? undefined : subreddits.document(found, part);
      }
      case "activity":
        return activity.select(oneWindow(fields), {
          subreddits: this.#subreddits(fields),
          part,
        })[0];
      case "user_window":
        return userWindows.select(oneWindow(fields), { user: this.#user(fields.user_id), part })[0];
      case "user_total": {
        const user = this.#user(fields.user_id);
        return user < 0 ? undefined : users.document(user, part);
      }
    }
  }

  /** The documents that a query selects. */
  search(part: Part, view: ViewName, query: PartQuery): ViewDocument[] {
    // Within one part, ids are ordered as their keys.
    const candidates = this.#candidates(part, view, query)
      .map((body) => ({ id: documentKey(body), body }));
    return page(candidates, query).map(({ body }) => body);
  }

  /** Documents among which are all that the query selects, or at least its first `limit`. */
  #candidates(part: Part, view: ViewName, query: PartQuery): ViewDocument[] {
    switch (view) {
      case "top_posts":
        return selects(query, "post") ? this.#posts(part, query) : [];
      case "subreddit_activity":
        return [
          ...(selects(query, "subreddit") ? this.#names(part, query) : []),
          ...(selects(query, "activity") ? this.#activity(part, query) : []),
        ];
      case "user_activity":
        return [
          ...(selects(query, "user_total") ? this.#userTotals(part, query) : []),
          ...(selects(query, "user_window") ? this.#userWindows(part, query) : []),
        ];
    }
  }

  #posts(part: Part, query: PartQuery): ViewDocument[] {
    const { posts } = this.#tables;
    if (isWindowed(query)) return [];
    const { order, limit, user_id } = query;
    const isRanked = order === "rank" && user_id === undefined;
    return this.#subreddits(query).flatMap((subreddit) =>
      isRanked ? posts.best(subreddit, { limit, part }) : posts.documents(subreddit, part)
    );
  }

  #names(part: Part, query: PartQuery): ViewDocument[] {
    if (isWindowed(query) || query.user_id !== undefined) return [];
    return this.#subreddits(query).flatMap((subreddit) =>
      this.#tables.subreddits.document(subreddit, part) ?? []
    );
  }

  #activity(part: Part, query: PartQuery): ViewDocument[] {
    if (query.user_id !== undefined) return [];
    return this.#tables.activity.select(query, { subreddits: this.#subreddits(query), part });
  }

  #userTotals(part: Part, query: PartQuery): ViewDocument[] {
    const { users } = this.#tables;
    if (isWindowed(query) || query.subreddit !== undefined) return [];
    if (query.user_id === undefined) return [...users.documents(part)];
    const user = this.#user(query.user_id);
    return user < 0 ? [] : [users.document(user, part)];
  }

  #userWindows(part: Part, query: PartQuery): ViewDocument[] {
    if (query.subreddit !== undefined) return [];
    const user = query.user_id === undefined ? undefined : this.#user(query.user_id);
    return this.#tables.userWindows.select(query, { user, part });
  }

  /** The sums of all subreddits over a range of windows. */
  totals(range: WindowRange): SubredditTotal[] {
    const { subreddits, activity } = this.#tables;
    const totals: SubredditTotal[] = [];
    let subreddit = 0;
    for (const total of activity.totals(subreddits.size, range)) {
      const { posts, comments } = total;
      if (posts !== 0 || comments !== 0) {
        totals.push({ subreddit: subreddits.key(subreddit), posts, comments });
      }
      subreddit++;
    }
    return totals;
  }

  /** The subreddit with a key if there is one; all subreddits if no key is given. */
  #subreddits({ subreddit }: { readonly subreddit?: string }): number[] {
    const { subreddits } = this.#tables;
    if (subreddit === undefined) return Array.from({ length: subreddits.size }, (_, i) => i);
    const found = subreddits.find(this.#key.set(subreddit));
    return found < 0 ? [] : [found];
  }

  /** The user with a key, or -1. */
  #user(user_id: string): number {
    return this.#tables.users.find(this.#key.set(user_id));
  }
}

/** Whether a query takes documents of a type. */
function selects({ type }: PartQuery, wanted: ViewDocument["type"]): boolean {
  return type === undefined || type === wanted;
}

/** Whether a query takes only documents that have a window. */
function isWindowed({ window, from, to }: PartQuery): boolean {
  return window !== undefined || from !== undefined || to !== undefined;
}

function oneWindow({ window, window_start: from }: WindowKey): WindowQuery {
  return { window, from, to: from + 1, order: "id", limit: 1 };
}

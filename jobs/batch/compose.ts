/**
 * The batch part of a generation's documents, composed from the states of its days: each window
 * belongs to one day; posts and totals merge over all days; comments whose subreddit the producer
 * did not know get that of their post.
 *
 * @module
 */

import {
  type Announcement,
  BATCH_PART,
  comparePostVersions,
  compareRank,
  type CutDocument,
  type PostDocument,
  type RetainedFrom,
  type ViewDocument,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";

/** The state of a day, from any source. */
export interface DaySource {
  /** Start of the day, milliseconds since 1970. */
  readonly day: number;
  /** Counted comments without a subreddit. */
  unresolved(): Promise<number>;
  /** The documents of one section. */
  read(section: "posts" | "users" | "windows"): Promise<readonly ViewDocument[]>;
  /** The announcements that were counted. */
  announcements(): Promise<readonly Announcement[]>;
}

/** Options of {@linkcode compose}. */
export interface ComposeOptions {
  /** The settings of the views. */
  readonly settings: ViewSettings;
  /** The start of retention. */
  readonly retained: RetainedFrom;
  /** Most posts to keep per subreddit. */
  readonly keep: number;
}

/** Result of {@linkcode compose}. */
export interface Composed {
  /** Comments whose subreddit batch could not determine either. */
  readonly unresolved: number;
  /** Comments whose subreddit batch found. */
  readonly resolved: readonly Resolved[];
  /** All documents of the batch part, in chunks. */
  documents(): AsyncGenerator<ViewDocument[]>;
}

/** Composes the documents of all days. */
export async function compose(
  days: readonly DaySource[],
  options: ComposeOptions,
): Promise<Composed> {
  const { settings, retained, keep } = options;
  const whole = new ViewState(settings);
  for (const day of days) {
    const counted = day.day >= retained["1d"];
    for (const section of ["posts", "users"] as const) {
      for (const document of await day.read(section)) {
        whole.restore(counted ? document : withoutCounts(document));
      }
    }
  }
  const { resolved, unresolved } = await resolve(days, whole, options);
  return {
    unresolved,
    resolved: [...resolved.values()].flat(),
    async *documents() {
      yield* topPosts(whole, keep);
      yield [...whole.documents(BATCH_PART)].filter(({ type }) =>
        type === "subreddit" || type === "user_total"
      );
      for (const day of days) {
        const windows = (await day.read("windows")).filter((d) => isRetained(d, retained));
        const found = resolved.get(day.day);
        yield found === undefined ? [...windows] : withResolved(windows, found, options);
      }
    },
  };
}

/** A comment and the subreddit that was found for it. */
export interface Resolved {
  /** The comment, as it was announced. */
  readonly comment: Announcement;
  /** The subreddit of its post. */
  readonly subreddit: string;
}

/** Finds subreddits through the posts; their contributions to users' totals go into `whole`. */
async function resolve(
  days: readonly DaySource[],
  whole: ViewState,
  { retained }: ComposeOptions,
): Promise<{ resolved: Map<number, Resolved[]>; unresolved: number }> {
  const resolved = new Map<number, Resolved[]>();
  let unresolved = 0;
  let homes: Map<string, PostDocument> | undefined;
  for (const day of days) {
    if (day.day < retained["1d"] || await day.unresolved() === 0) continue;
    homes ??= homesOf(whole);
    const found: Resolved[] = [];
    for (const comment of await day.announcements()) {
      if (comment.subreddit !== undefined) continue;
      const home = homes.get(comment.post_id ?? "");
      if (home === undefined) unresolved++;
      else found.push({ comment, subreddit: home.subreddit });
    }
    for (const { comment, subreddit } of found) whole.addSubreddit(comment.user_id, subreddit);
    resolved.set(day.day, found);
  }
  return { resolved, unresolved };
}

/** The subreddit of each post, from its latest version. */
function homesOf(whole: ViewState): Map<string, PostDocument> {
  const homes = new Map<string, PostDocument>();
  for (const posts of whole.posts(BATCH_PART)) {
    for (const post of posts) {
      const known = homes.get(post.post_id);
      if (known === undefined || comparePostVersions(post, known) > 0) {
        homes.set(post.post_id, post);
      }
    }
  }
  return homes;
}

function withResolved(
  windows: readonly ViewDocument[],
  found: readonly Resolved[],
  { settings, retained }: ComposeOptions,
): ViewDocument[] {
  const state = new ViewState(settings, { retained });
  for (const document of windows) state.restore(document);
  for (const { comment, subreddit } of found) state.addResolved(comment, subreddit);
  return [...state.documents(BATCH_PART)].filter((document) =>
    document.type === "activity" || document.type === "user_window"
  );
}

function isRetained(document: ViewDocument, retained: RetainedFrom): boolean {
  return "window_start" in document && document.window_start >= retained[document.window];
}

function withoutCounts(document: ViewDocument): ViewDocument {
  return document.type === "user_total" ? { ...document, posts: 0, comments: 0 } : document;
}

/** Each subreddit's best posts, and a cut document if some were cut. */
function* topPosts(whole: ViewState, keep: number): Generator<ViewDocument[]> {
  for (const posts of whole.posts(BATCH_PART)) {
    if (posts.length <= keep) {
      yield [...posts];
      continue;
    }
    const kept = [...posts].sort(compareRank).slice(0, keep);
    const last = kept.at(-1)!;
    const cut: CutDocument = {
      type: "cut",
      part: BATCH_PART,
      subreddit: last.subreddit,
      post_id: last.post_id,
      score: last.score,
      created_utc: last.created_utc,
      timestamp: posts.reduce((latest, post) => Math.max(latest, post.timestamp), 0),
    };
    yield [...kept, cut];
  }
}

/**
 * What readers see: documents of any parts, merged by key. And, written apart from the
 * views, by how much announcements that were produced several times count too often
 * where parts have each seen one.
 *
 * @module
 */

import {
  BATCH_PART,
  canonicalJson,
  Distinct,
  type Entity,
  mergeActivity,
  mergeCounts,
  mergeSpellings,
  mergeTop,
  mergeUserTotals,
  type RetainedFrom,
  type ViewDocument,
  type ViewSettings,
  type WindowName,
  WINDOWS,
} from "@pipeline/core";

/** Answers in canonical JSON by key. */
export type Answers = Map<string, Record<string, unknown>>;

/** How parts of one key merge, where a rule is broken on purpose. */
export interface ReadRules {
  /** Adds up distinct counts. */
  readonly distinct?: "sum";
  /** Shows the spelling that the first part knows. */
  readonly spelling?: "first";
}

function keyOf(document: ViewDocument): string {
  switch (document.type) {
    case "post":
    case "cut":
      return `${document.type} ${JSON.stringify([document.subreddit, document.post_id])}`;
    case "subreddit":
      return `subreddit ${JSON.stringify([document.subreddit])}`;
    case "activity":
      return activityKey(document.subreddit, document.window, document.window_start);
    case "user_window":
      return userWindowKey(document.user_id, document.window, document.window_start);
    case "user_total":
      return userTotalKey(document.user_id);
  }
}

function activityKey(subreddit: string, window: WindowName, start: number): string {
  return `activity ${JSON.stringify([subreddit, window, start])}`;
}

function userWindowKey(user: string, window: WindowName, start: number): string {
  return `user_window ${JSON.stringify([user, window, start])}`;
}

function userTotalKey(user: string): string {
  return `user_total ${JSON.stringify([user])}`;
}

/** Merges documents by key. */
export function answersOf(documents: Iterable<ViewDocument>, rules: ReadRules = {}): Answers {
  const parts = new Map<string, ViewDocument[]>();
  for (const document of documents) {
    const key = keyOf(document);
    const known = parts.get(key);
    if (known === undefined) parts.set(key, [document]);
    else known.push(document);
  }
  const answers: Answers = new Map();
  for (const [key, documents] of parts) {
    const answer = answerOf(documents, rules);
    if (!isNothing(answer)) answers.set(key, answer);
  }
  return answers;
}

function answerOf(documents: ViewDocument[], rules: ReadRules): Record<string, unknown> {
  switch (documents[0]!.type) {
    case "post":
    case "cut": {
      const posts = documents.filter((document) => document.type === "post");
      const of = (batch: boolean) => posts.filter((post) => (post.part === BATCH_PART) === batch);
      const { part: _, ...post } = mergeTop(1, of(true), of(false)).items[0]!;
      return post;
    }
    case "subreddit": {
      const parts = documents.filter((document) => document.type === "subreddit");
      return { ...mergeSpellings(rules.spelling === "first" ? parts.slice(0, 1) : parts) };
    }
    case "activity": {
      const parts = documents.filter((document) => document.type === "activity");
      const users = new Distinct();
      for (const part of parts) users.addStored(part.users);
      const activity = mergeActivity(parts);
      const sum = parts.reduce((sum, part) => sum + part.active_users, 0);
      return {
        ...activity,
        active_users: rules.distinct === "sum" ? sum : activity.active_users,
        users: users.toString(),
      };
    }
    case "user_window":
      return mergeCounts(documents.filter((document) => document.type === "user_window"));
    case "user_total":
      return { ...mergeUserTotals(documents.filter((document) => document.type === "user_total")) };
  }
}

/** Whether a reader takes it for nothing: counts that were taken back, and no users. */
function isNothing(answer: Record<string, unknown>): boolean {
  return Object.values(answer).every((value) => value === 0 || value === "");
}

/** Answers as text, in the order of keys: equal only where all of them are equal to the byte. */
export function textOf(answers: Answers): string[] {
  return [...answers].map(([key, answer]) => `${key} ${canonicalJson(answer)}`).sort();
}

/** Documents as text, sorted: equal only where all of them are equal to the byte. */
export function documentsText(documents: Iterable<ViewDocument>): string[] {
  return [...documents].map((document) => canonicalJson(document)).sort();
}

/** What counts are computed with. */
export interface CountOptions {
  readonly settings: ViewSettings;
  readonly retained: RetainedFrom;
}

interface Counted {
  readonly kind: "post" | "comment";
  readonly user_id: string;
  readonly subreddit: string | undefined;
  readonly created_utc: number;
}

type Counts = Map<string, { posts: number; comments: number }>;

/** The counts that a set of records amounts to: one announcement, one attribution. */
function countsOf(records: readonly Entity[], { settings, retained }: CountOptions): Counts {
  const key = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  // The least of (known, subreddit, author) is counted. As tuples in JSON, a known subreddit
  // sorts before an unknown one: "0" before "1".
  const least = new Map<string, { order: string; record: Counted }>();
  for (const written of records) {
    if (written.kind === "user" || written.timestamp !== written.created_utc) continue;
    if (written.created_utc < retained["1d"]) continue;
    const record = {
      ...written,
      user_id: key(written.user_id),
      subreddit: written.subreddit === undefined ? undefined : key(written.subreddit),
    };
    const id = record.kind === "post" ? record.post_id : record.comment_id;
    const name = `${record.kind} ${record.created_utc} ${id}`;
    const order = `${record.subreddit === undefined ? 1 : 0} ${record.subreddit} ${record.user_id}`;
    const known = least.get(name);
    if (known === undefined || order < known.order) least.set(name, { order, record });
  }
  const counts: Counts = new Map();
  for (const { record } of least.values()) {
    const { subreddit, user_id, created_utc } = record;
    const add = (key: string) => {
      const count = counts.get(key) ?? { posts: 0, comments: 0 };
      counts.set(key, count);
      count[record.kind === "post" ? "posts" : "comments"]++;
    };
    add(userTotalKey(user_id));
    for (const window of Object.keys(WINDOWS) as WindowName[]) {
      const start = created_utc - created_utc % WINDOWS[window];
      if (start < retained[window]) continue;
      if (subreddit !== undefined) add(activityKey(subreddit, window, start));
      if (settings.userWindows.includes(window)) add(userWindowKey(user_id, window, start));
    }
  }
  return counts;
}

/**
 * Takes back what is counted too often since each part counts by itself what it saw
 * announced. Returns how many counts that were.
 */
export function takeBackSurplus(
  answers: Answers,
  parts: readonly (readonly Entity[])[],
  options: CountOptions,
): number {
  let surplus = 0;
  const adjust = (counts: Counts, by: number) => {
    for (const [key, { posts, comments }] of counts) {
      const answer = answers.get(key) ?? { posts: 0, comments: 0 };
      answers.set(key, {
        ...answer,
        posts: answer.posts as number + by * posts,
        comments: answer.comments as number + by * comments,
      });
      surplus -= by * (posts + comments);
    }
  };
  for (const records of parts) adjust(countsOf(records, options), -1);
  adjust(countsOf(parts.flat(), options), 1);
  for (const [key, answer] of answers) if (isNothing(answer)) answers.delete(key);
  return surplus;
}

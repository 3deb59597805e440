/**
 * The merged answers by definition: one plain pass over all facts, without any of the
 * code that it judges. It is written after the descriptions of the views, not after their code.
 *
 * An announcement is a fact whose timestamp is its created_utc. It is counted once for
 * its kind, id and created_utc, on each side of the horizon that it was produced on.
 *
 * Names of subreddits and users are the same where they differ in the case of letters of ASCII alone. The one
 * that was written last is shown; all facts write names but updates of comments.
 *
 * @module
 */

import type { Entity, RetainedFrom, WindowName } from "@pipeline/core";

/** A fact, and who folded it: `batch`, or the topic-partition that speed read it from. */
export interface SidedFact {
  readonly side: string;
  readonly fact: Entity;
}

/** What the generation that is served is made with. */
export interface OracleOptions {
  readonly retained: RetainedFrom;
  readonly userWindows: readonly WindowName[];
}

/** Every key with its merged value as JSON; `top ...` holds all posts, best first. */
export type Answers = Map<string, string>;

type Announced = Exclude<Entity, { kind: "user" }>;
type Post = Extract<Entity, { kind: "post" }>;

const SIZES: Record<WindowName, number> = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 };
const encoder = new TextEncoder();

/** Orders texts by their UTF-8 bytes, which is by their code points. */
function byBytes(a: string, b: string): number {
  const [x, y] = [encoder.encode(a), encoder.encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i]! - y[i]!;
  }
  return x.length - y.length;
}

/** What a name is compared by. */
export function foldedName(name: string): string {
  return [...name].map((c) => c >= "A" && c <= "Z" ? c.toLowerCase() : c).join("");
}

/** A fact whose names are what they are compared by. */
function foldedFact<T extends Entity>(fact: T): T {
  const subreddit = fact.kind === "user" ? undefined : fact.subreddit;
  return {
    ...fact,
    user_id: foldedName(fact.user_id),
    ...(subreddit === undefined ? {} : { subreddit: foldedName(subreddit) }),
  };
}

interface Written {
  name: string;
  name_timestamp: number;
}

/** Takes the spelling of a fact for the one that is shown if it was written later. */
function spell(shown: Written, name: string, fact: Entity): void {
  const later = seen(fact) - shown.name_timestamp || byBytes(name, shown.name);
  if (later > 0) Object.assign(shown, { name, name_timestamp: seen(fact) });
}

/** Computes all answers. */
export function oracle(written: readonly SidedFact[], options: OracleOptions): Answers {
  const answers: Answers = new Map();
  const facts = written.map(({ side, fact }) => ({ side, fact: foldedFact(fact) }));
  const windows = new Map<string, { posts: number; comments: number; users: Set<string> }>();
  const users = new Map<string, UserAnswer>();
  const user = (id: string) => getOr(users, id, newUser);
  const window = (key: string) =>
    getOr(windows, key, () => ({ posts: 0, comments: 0, users: new Set() }));
  const from = (size: WindowName, time: number) => time - time % SIZES[size];
  const kept = (size: WindowName, time: number) =>
    time >= options.retained["1d"] && from(size, time) >= options.retained[size];
  const activity = (subreddit: string, { created_utc, user_id }: Announced) =>
    (["1m", "1h", "1d"] as const).filter((size) => kept(size, created_utc)).map((size) => {
      const found = window(`activity ${size} ${from(size, created_utc)} ${subreddit}`);
      found.users.add(user_id);
      return found;
    });

  // Names: the spelling that was written last.
  const subreddits = new Map<string, Written>();
  for (const { fact } of written) {
    if (fact.kind === "comment" && fact.timestamp !== fact.created_utc) continue;
    spell(user(foldedName(fact.user_id)), fact.user_id, fact);
    if (fact.kind === "user" || fact.subreddit === undefined) continue;
    const unwritten = () => ({ name: "", name_timestamp: -1 });
    spell(getOr(subreddits, foldedName(fact.subreddit), unwritten), fact.subreddit, fact);
  }
  for (const [key, name] of subreddits) answers.set(`subreddit ${key}`, JSON.stringify(name));

  // Top posts: the latest version of each post in each subreddit.
  const latest = new Map<string, Map<string, Post>>();
  const homes = new Map<string, Post>();
  for (const { side, fact } of written) {
    if (fact.kind !== "post") continue;
    // Who wrote it is shown as it is, and is no key.
    const post = { ...fact, subreddit: foldedName(fact.subreddit), timestamp: seen(fact) };
    const posts = getOr(latest, post.subreddit, () => new Map<string, Post>());
    if (isLater(post, posts.get(post.post_id))) posts.set(post.post_id, post);
    if (side === "batch" && isLater(post, homes.get(post.post_id))) homes.set(post.post_id, post);
  }
  for (const [subreddit, posts] of latest) {
    const ranked = [...posts.values()].sort((a, b) =>
      b.score - a.score || b.created_utc - a.created_utc || byBytes(b.post_id, a.post_id)
    );
    answers.set(`top ${subreddit}`, JSON.stringify(ranked.map(shownPost)));
  }

  // Accounts: the latest version.
  for (const { fact } of facts) {
    if (fact.kind !== "user") continue;
    const known = user(fact.user_id);
    const newer = seen(fact) - known.karma_timestamp ||
      byBytes(
        JSON.stringify({ karma: fact.karma, username: fact.username }),
        JSON.stringify({ karma: known.karma, username: known.username }),
      );
    if (newer <= 0) continue;
    known.karma = fact.karma;
    known.username = fact.username;
    known.karma_timestamp = seen(fact);
  }

  // Announcements, each once a side.
  const groups = new Map<string, { side: string; all: Announced[] }>();
  for (const { side, fact } of facts) {
    if (fact.kind === "user" || fact.timestamp !== fact.created_utc) continue;
    const id = fact.kind === "post" ? fact.post_id : fact.comment_id;
    const key = JSON.stringify([side, fact.kind, id, fact.created_utc]);
    getOr(groups, key, () => ({ side, all: [] as Announced[] })).all.push(fact);
  }
  for (const { side, all } of groups.values()) {
    for (const fact of all) {
      const author = user(fact.user_id);
      author.last_active = Math.max(author.last_active, fact.created_utc);
      if (fact.subreddit === undefined) continue;
      author.subreddits.add(fact.subreddit);
      activity(fact.subreddit, fact);
    }
    const counted = all.reduce((a, b) => least(a, b) <= 0 ? a : b);
    const { kind, created_utc, user_id } = counted;
    if (created_utc < options.retained["1d"]) continue;
    const field = kind === "post" ? "posts" : "comments";
    user(user_id)[field]++;
    for (const size of options.userWindows) {
      if (kept(size, created_utc)) {
        window(`user ${size} ${from(size, created_utc)} ${user_id}`)[field]++;
      }
    }
    // Only batch looks for the subreddit of a comment that does not name it.
    const subreddit = counted.subreddit ??
      (side === "batch" ? homes.get(counted.post_id)?.subreddit : undefined);
    if (subreddit === undefined) continue;
    user(user_id).subreddits.add(subreddit);
    for (const found of activity(subreddit, counted)) found[field]++;
  }

  for (const [key, { posts, comments, users: active }] of windows) {
    if (key.startsWith("activity")) {
      answers.set(key, JSON.stringify({ posts, comments, active_users: active.size }));
    } else answers.set(key, JSON.stringify({ posts, comments }));
  }
  for (const [id, { subreddits, ...known }] of users) {
    answers.set(`user total ${id}`, JSON.stringify({ ...known, subreddits: subreddits.size }));
  }
  return answers;
}

interface UserAnswer extends Written {
  posts: number;
  comments: number;
  last_active: number;
  karma_timestamp: number;
  karma: number;
  username: string;
  subreddits: Set<string>;
}

function newUser(): UserAnswer {
  return {
    posts: 0,
    comments: 0,
    last_active: -1,
    karma_timestamp: -1,
    karma: 0,
    username: "",
    name: "",
    name_timestamp: -1,
    subreddits: new Set(),
  };
}

/** A known subreddit goes first, then the least one, then the least author, then the least post. */
function least(a: Announced, b: Announced): number {
  const [x, y] = [a.subreddit, b.subreddit];
  if (x !== y) return x === undefined ? 1 : y === undefined ? -1 : byBytes(x, y);
  return byBytes(a.user_id, b.user_id) || (x === undefined ? byBytes(a.post_id, b.post_id) : 0);
}

/** What the view shows of a post, names in order. */
export function shownPost(
  post: Omit<Post, "kind" | "content">,
): Record<string, string | number> {
  const { created_utc, num_comments, post_id, score, subreddit, timestamp, title, user_id } = post;
  return { created_utc, num_comments, post_id, score, subreddit, timestamp, title, user_id };
}

/** When an entity looked like a fact says. */
function seen({ timestamp, retrieved_utc = 0 }: Entity): number {
  return retrieved_utc > timestamp ? retrieved_utc : timestamp;
}

function isLater(post: Post, than: Post | undefined): boolean {
  if (than === undefined) return true;
  return (post.timestamp - than.timestamp ||
    byBytes(JSON.stringify(shownPost(post)), JSON.stringify(shownPost(than)))) > 0;
}

function getOr<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

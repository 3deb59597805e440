/**
 * What serving must answer at a vector of offsets, by the oracle.
 *
 * @module
 */

import { BATCH_PART, formatTime, partitionName, type WindowName, WINDOWS } from "@pipeline/core";
import type { Manifest } from "@pipeline/protocol";
import type { FoldedOffsets } from "@pipeline/serving";
import { type Answers, foldedName, oracle, type SidedFact } from "./_oracle.ts";
import type { World } from "./_world.ts";

/** A question to serving. */
export type Question =
  | { readonly type: "top"; readonly name: string; readonly k: number }
  | {
    readonly type: "activity" | "user";
    readonly name: string;
    readonly window: WindowName;
    /** End of the windows, exclusive. */
    readonly to: number;
  }
  | {
    readonly type: "list";
    readonly sort: "posts" | "comments" | "active_users";
    readonly window: WindowName;
    readonly at: number;
    readonly limit: number;
  }
  | { readonly type: "status" };

/** Windows of an answer that names only their end. */
const LENGTHS: Readonly<Record<WindowName, number>> = { "1m": 60, "1h": 48, "1d": 31 };

/** The question's path and query. */
export function pathOf(question: Question): string {
  switch (question.type) {
    case "top":
      return `/v1/subreddits/${encodeURIComponent(question.name)}/top?k=${question.k}`;
    case "activity":
    case "user": {
      const { type, name, window, to } = question;
      const owner = type === "user" ? "users" : "subreddits";
      const path = `/v1/${owner}/${encodeURIComponent(name)}/activity`;
      return `${path}?window=${window}&to=${formatTime(to)}`;
    }
    case "list": {
      const { sort, window, at, limit } = question;
      return `/v1/subreddits?sort=${sort}&window=${window}&limit=${limit}&at=${formatTime(at)}`;
    }
    case "status":
      return "/v1/status";
  }
}

/** The facts below a vector, and on which side of the horizon they are. */
function factsBelow(world: World, manifest: Manifest, folded: FoldedOffsets): SidedFact[] {
  const facts: SidedFact[] = [];
  for (const records of world.acknowledged.values()) {
    for (const { topic, partition, offset, fact } of records.values()) {
      if (fact === undefined) continue;
      const below = offset < manifest.horizon[topic][partition]!;
      if (!below && offset >= (folded[topic][partition] ?? 0)) continue;
      facts.push({ side: below ? BATCH_PART : partitionName(topic, partition), fact });
    }
  }
  for (const load of manifest.history) {
    for (const fact of world.history.get(load) ?? []) facts.push({ side: BATCH_PART, fact });
  }
  return facts;
}

/**
 * The status and the body that serving must answer, without provenance; of the best posts all of
 * them, as `ranked`.
 */
export function expectedAt(
  question: Question,
  world: World,
  { manifest, folded }: { readonly manifest: Manifest; readonly folded: FoldedOffsets },
): { readonly status: number; readonly body: Record<string, unknown> } {
  if (question.type === "status") return { status: 200, body: counted(world, manifest, folded) };
  const all = oracle(factsBelow(world, manifest, folded), {
    retained: manifest.retained_from,
    userWindows: manifest.settings.userWindows,
  });
  if (question.type === "list") return { status: 200, body: listed(all, question) };
  const key = foldedName(question.name);
  const known = all.get(question.type === "user" ? `user total ${key}` : `subreddit ${key}`);
  if (known === undefined) return { status: 404, body: {} };
  const { name, ...rest } = JSON.parse(known);
  switch (question.type) {
    case "top": {
      const ranked = JSON.parse(all.get(`top ${key}`) ?? "[]").map(shownPost);
      return { status: 200, body: { subreddit: name, ranked } };
    }
    case "activity": {
      const items = windowsOf(all, `activity ${question.window}`, { ...question, key, manifest });
      return { status: 200, body: { subreddit: name, window: question.window, items } };
    }
    case "user": {
      const items = windowsOf(all, `user ${question.window}`, { ...question, key, manifest });
      return {
        status: 200,
        body: { user_id: name, window: question.window, items, totals: shownTotals(rest) },
      };
    }
  }
}

/** Records and dead letters of speed. */
function counted(world: World, { horizon }: Manifest, folded: FoldedOffsets) {
  let records = 0;
  let dead_letters = 0;
  for (const acknowledged of world.acknowledged.values()) {
    for (const { topic, partition, offset, fact } of acknowledged.values()) {
      const next = folded[topic][partition] ?? 0;
      if (offset < horizon[topic][partition]! || offset >= next) continue;
      if (fact === undefined) dead_letters++;
      else records++;
    }
  }
  return { records, dead_letters };
}

function listed(
  all: Answers,
  { sort, window, at, limit }: Extract<Question, { type: "list" }>,
): Record<string, unknown> {
  const start = at - at % WINDOWS[window];
  const prefix = `activity ${window} ${start} `;
  const rows = [...all].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({
    key: key.slice(prefix.length),
    ...JSON.parse(value) as { posts: number; comments: number; active_users: number },
  })).filter(({ posts, comments }) => posts + comments > 0);
  const bytes = (text: string) => new TextEncoder().encode(text).toHex();
  rows.sort((a, b) => b[sort] - a[sort] || (bytes(a.key) < bytes(b.key) ? -1 : 1));
  const items = rows.slice(0, limit).map(({ key, ...counts }) => ({
    subreddit: JSON.parse(all.get(`subreddit ${key}`)!).name,
    ...counts,
  }));
  return { window, window_start: formatTime(start), sort, items };
}

/** The windows of one owner that are counted, in ascending order. */
function windowsOf(
  all: Answers,
  kind: string,
  { window, to, key, manifest }: {
    readonly window: WindowName;
    readonly to: number;
    readonly key: string;
    readonly manifest: Manifest;
  },
): unknown[] {
  const size = WINDOWS[window];
  const items: unknown[] = [];
  const first = Math.max(manifest.retained_from[window], to - LENGTHS[window] * size);
  for (let start = Math.ceil(first / size) * size; start < to; start += size) {
    const found = all.get(`${kind} ${start} ${key}`);
    if (found === undefined) continue;
    const counts = JSON.parse(found);
    if (counts.posts + counts.comments === 0) continue;
    items.push({ window_start: formatTime(start), ...counts });
  }
  return items;
}

function shownPost(post: Record<string, unknown>) {
  const { subreddit: _, created_utc, timestamp, ...rest } = post;
  return {
    ...rest,
    created_utc: formatTime(created_utc as number),
    timestamp: formatTime(timestamp as number),
  };
}

function shownTotals(
  { posts, comments, subreddits, karma, karma_timestamp, last_active }: Record<string, number>,
) {
  return {
    posts,
    comments,
    subreddits,
    karma: karma_timestamp! < 0 ? null : karma,
    last_active: last_active! < 0 ? null : formatTime(last_active!),
  };
}

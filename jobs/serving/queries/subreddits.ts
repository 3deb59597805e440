/**
 * All subreddits of one window, in a chosen order.
 *
 * @module
 */

import {
  BASELINE_WINDOWS,
  compareTrends,
  compareUtf8,
  countUnion,
  documentKey,
  formatTime,
  trendOf,
  type WindowName,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import { PARTS_BOUNDS, type SubredditTotal, type WindowRange } from "@pipeline/protocol";
import { Problem } from "../problem.ts";
import { type DocumentOf, fitting, sumBySubreddit } from "../reading/documents.ts";
import type { Reading } from "../reading/reading.ts";
import type { Questions, Round } from "../reading/round.ts";
import { mergedSpellings, spellingKey, spellingsQuestion } from "./names.ts";
import { isCounted, latestOf, refuseRetired } from "./windows.ts";

/** The possible sort orders. */
export const SORTS = ["trending", "posts", "comments", "active_users"] as const;

/** A sort order of subreddits. */
export type Sort = (typeof SORTS)[number];

/** A subreddit in one window. */
export interface SubredditItem {
  /** The name in its latest spelling. */
  readonly subreddit: string;
  /** Posts announced. */
  readonly posts: number;
  /** Comments announced. */
  readonly comments: number;
  /** Distinct authors of either. */
  readonly active_users: number;
  /**
   * The window's posts and comments over the mean of the 24 windows before; `null` if those are
   * empty. Only if it is the sort order.
   */
  readonly trend?: number | null;
}

/** The requested subreddits. */
export interface SubredditsRequest {
  /** Size of the window. */
  readonly window: WindowName;
  /** The sort order. */
  readonly sort: Sort;
  /** Most subreddits. */
  readonly limit: number;
  /** A time within the window; the latest window with any announcement by default. */
  readonly at?: number | undefined;
}

/** Subreddits of one window. */
export interface SubredditList {
  /** Milliseconds since 1970; `null` if all windows are empty. */
  readonly window_start: number | null;
  /** Best first, without subreddits that have no announcements in the window. */
  readonly items: readonly SubredditItem[];
}

/** The requested window. */
interface Asked extends Pick<SubredditsRequest, "sort" | "limit"> {
  readonly window: WindowName;
  readonly start: number;
}

/** A subreddit in the requested order. */
interface Ranked extends SubredditTotal {
  readonly trend?: number | null;
}

/** Most rounds in which the first subreddits may change; then the rest is read apart. */
const MAX_ROUNDS = 4;

/** Most times that a new window may begin meanwhile; then the list is that of the one before. */
const MAX_STARTS = 16;

const VIEW = "subreddit_activity";

/**
 * The first subreddits of a window; ties are ordered by key.
 *
 * A round asks for the counts of all subreddits, and for the users and names of those that are
 * expected to be first, since they were so before. If those are the first ones of this round too,
 * the list consists of this round alone. Otherwise, after some rounds, the users and names of the
 * others are read in another round, and may include later records than the counts.
 *
 * @throws {Problem} 400 if the window, or one of the earlier ones that a trend needs, is no longer
 * retained.
 */
export async function listSubreddits(
  reading: Reading,
  request: SubredditsRequest,
): Promise<SubredditList> {
  const { window, sort, limit, at } = request;
  refuseTooOld(reading, request);
  // Without a time, the current window is a guess that is mostly right.
  const given = at === undefined ? undefined : windowStart(at, WINDOWS[window]);
  const question = `${sort} ${window} ${limit} ${given ?? "latest"}`;
  const expected = reading.expected.lists.get(question);
  let start = given ?? expected?.start ?? windowStart(reading.now, WINDOWS[window]);
  let first = expected?.first ?? [];
  for (let rounds = 1, starts = 1;; rounds++) {
    const asked: Asked = { sort, limit, window, start };
    const round = await reading.live({
      ...(at === undefined ? { latest: { view: VIEW, query: latestQuery(window) } } : {}),
      ...countQuestions(asked),
      ...memberQuestions(asked, first),
    });
    if (at === undefined) {
      const latest = latestOf([
        { window_start: await reading.batch.latest(window) },
        ...round.documents<"activity">("latest"),
      ]);
      if (latest === undefined || latest < 0) {
        reading.include(round);
        return { window_start: null, items: [] };
      }
      if (latest !== start && starts++ < MAX_STARTS) {
        start = latest;
        rounds = 0;
        continue;
      }
      refuseTooOld(reading, { ...request, at: start });
    }
    const ranked = await rank(reading, asked, round);
    const items = ranked.slice(0, limit);
    const known = new Set(first);
    const others = items.map(({ subreddit }) => subreddit).filter((key) => !known.has(key));
    const next = fitting(
      ranked.slice(0, limit + SPARE).map(({ subreddit }) => subreddit),
      (key) => memberKeys(asked, key),
    );
    reading.expected.lists.set(question, { start, first: next });
    if (rounds < MAX_ROUNDS && others.some((key) => next.includes(key))) {
      first = next;
      continue;
    }
    const all = [round, ...await readOthers(reading, asked, others)];
    for (const one of all) reading.include(one);
    return { window_start: start, items: await shown(reading, { asked, items, rounds: all }) };
  }
}

/** Subreddits beyond the limit whose users and names are asked for, too: the order may change. */
const SPARE = 20;

function latestQuery(window: WindowName) {
  return { type: "activity", window, order: "latest", limit: 1 } as const;
}

/** The questions that the order of subreddits follows from. */
function countQuestions({ sort, window, start }: Asked): Questions {
  if (sort !== "active_users") {
    return {
      counts: { totals: windowRange(window, start) },
      ...(sort === "trending" ? { baseline: { totals: baselineRange(window, start) } } : {}),
    };
  }
  const { documents: limit } = PARTS_BOUNDS;
  return { window: { view: VIEW, query: { ...windowQuery(window, start), limit } } };
}

function windowQuery(window: WindowName, start: number) {
  const { from, to } = windowRange(window, start);
  return { type: "activity", window, from, to, order: "window" } as const;
}

function windowRange(window: WindowName, start: number): WindowRange {
  return { window, from: start, to: start + WINDOWS[window] };
}

function baselineRange(window: WindowName, start: number): WindowRange {
  return { window, from: Math.max(0, start - BASELINE_WINDOWS * WINDOWS[window]), to: start };
}

/** The questions for what is shown of some subreddits beside their counts. */
function memberQuestions(asked: Asked, subreddits: readonly string[]): Questions {
  return {
    members: { view: VIEW, keys: subreddits.map((key) => activityKey(asked, key)) },
    names: spellingsQuestion(subreddits),
  };
}

function memberKeys(asked: Asked, subreddit: string): string[] {
  return [activityKey(asked, subreddit), spellingKey(subreddit)];
}

function activityKey({ window, start }: Asked, subreddit: string): string {
  return documentKey({ type: "activity", window, window_start: start, subreddit });
}

/** All subreddits with announcements in the window, in the requested order. */
async function rank(reading: Reading, asked: Asked, round: Round): Promise<Ranked[]> {
  const { sort, window, start } = asked;
  if (sort === "active_users") return await rankByUsers(reading, asked, round);
  const totals = async (question: string, range: WindowRange) =>
    sumBySubreddit([...await reading.batch.totals(range), ...round.totals(question)]);
  const counted = (await totals("counts", windowRange(window, start))).filter(isCounted);
  if (sort === "posts" || sort === "comments") {
    return counted.sort((a, b) => b[sort] - a[sort] || compareUtf8(a.subreddit, b.subreddit));
  }
  const before = new Map(
    (await totals("baseline", baselineRange(window, start))).map((t) => [t.subreddit, sizeOf(t)]),
  );
  return counted
    .map((total) => {
      const baseline = before.get(total.subreddit) ?? 0;
      return { ...total, recent: sizeOf(total), baseline };
    })
    .sort(compareTrends)
    .map(({ recent, baseline, ...total }) => {
      const { trend } = trendOf({ subreddit: total.subreddit, recent, baseline });
      return { ...total, trend };
    });
}

async function rankByUsers(
  { batch }: Reading,
  { window, start }: Asked,
  round: Round,
): Promise<Ranked[]> {
  const documents = [
    ...await batch.search(VIEW, windowQuery(window, start)),
    ...round.documents<"activity">("window"),
  ];
  const users = membersOf(documents);
  return sumBySubreddit(documents).filter(isCounted)
    .map((total) => ({ total, size: countUnion(users.get(total.subreddit)!) }))
    .sort((a, b) => b.size - a.size || compareUtf8(a.total.subreddit, b.total.subreddit))
    .map(({ total }) => total);
}

function sizeOf({ posts, comments }: SubredditTotal): number {
  return posts + comments;
}

function membersOf(
  documents: readonly DocumentOf<"activity">[],
): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(documents, ({ subreddit }) => subreddit);
  return new Map([...groups].map(([key, parts]) => [key, parts.map(({ users }) => users)]));
}

/** Reads what is shown of subreddits in rounds of their own. */
async function readOthers(
  reading: Reading,
  asked: Asked,
  subreddits: readonly string[],
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let at = 0; at < subreddits.length;) {
    const some = fitting(subreddits.slice(at), (key) => memberKeys(asked, key));
    rounds.push(await reading.live(memberQuestions(asked, some)));
    at += some.length;
  }
  return rounds;
}

async function shown(
  reading: Reading,
  { asked, items, rounds }: {
    readonly asked: Asked;
    readonly items: readonly Ranked[];
    readonly rounds: readonly Round[];
  },
): Promise<SubredditItem[]> {
  const keys = items.map(({ subreddit }) => subreddit);
  const { batch } = reading;
  const inBatch = asked.start <= await batch.latest(asked.window) ? keys : [];
  const users = membersOf([
    ...await batch.getKnown<"activity">(VIEW, inBatch.map((key) => activityKey(asked, key))),
    ...rounds.flatMap((round) => round.documents<"activity">("members")),
  ]);
  const live = rounds.flatMap((round) => round.documents<"subreddit">("names"));
  const stored = await batch.getKnown<"subreddit">(VIEW, keys.map(spellingKey));
  const spellings = mergedSpellings([...stored, ...live]);
  return items.map(({ subreddit, posts, comments, trend }) => ({
    subreddit: spellings.get(subreddit)?.name ?? subreddit,
    posts,
    comments,
    active_users: countUnion(users.get(subreddit) ?? []),
    ...(trend === undefined ? {} : { trend }),
  }));
}

/** Refuses a window, or a trend in one, of which not everything is retained. */
function refuseTooOld(reading: Reading, { window, sort, at }: SubredditsRequest): void {
  if (at === undefined) return;
  const retained = reading.manifest.retained_from[window];
  refuseRetired(`"at"`, { time: at, window, retained });
  const start = windowStart(at, WINDOWS[window]);
  const span = BASELINE_WINDOWS * WINDOWS[window];
  if (sort !== "trending" || retained <= 0 || start - span >= retained) return;
  throw new Problem(
    400,
    `A trend at ${formatTime(start)} needs the ${BASELINE_WINDOWS} windows before: the first ` +
      `"at" with all of them is ${formatTime(retained + span)}`,
  );
}

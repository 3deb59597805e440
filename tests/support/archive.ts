/**
 * Archives in the form of the monthly dumps, made from a number, and what the answers
 * about any archive must be: counted over its lines, one by one, by nothing that the
 * pipeline uses.
 */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";

/** A line of an archive. */
export type Line = Readonly<Record<string, unknown>>;

const DAY = 86_400;
const START = Date.UTC(2024, 1, 28) / 1000;
/** One of them in two spellings. */
const SUBREDDITS = ["news", "AskHistorians", "Überraschung", "de", "askhistorians"];

/** `count` submissions over four days, from the number `first` on. */
export function submissions(count: number, first = 0): Line[] {
  return Array.from({ length: count }, (_, i): Line => {
    const n = first + i;
    const time = START + (n * 7919) % (4 * DAY);
    return {
      id: `p${n.toString(36)}`,
      author: n % 11 === 0 ? null : n % 13 === 0 ? "[deleted]" : `author_${n % 17}`,
      subreddit: SUBREDDITS[n % 7 % SUBREDDITS.length],
      title: `Title ${n} — "quoted" 😀`,
      selftext: n % 3 === 0 ? "" : `line\nline ${n}`,
      // The dumps have both.
      created_utc: n % 2 === 0 ? time : String(time),
      score: (n * 31) % 97 - 10,
      num_comments: n % 5,
      link_flair: { unknown: [n] },
    };
  });
}

/** `count` comments on the first submissions. */
export function comments(count: number, first = 0): Line[] {
  return Array.from({ length: count }, (_, i): Line => {
    const n = first + i;
    return {
      id: `c${n.toString(36)}`,
      author: `${n % 5 === 0 ? "Author" : "author"}_${n % 23}`,
      subreddit: SUBREDDITS[n % 5 % SUBREDDITS.length],
      link_id: `t3_p${(n % 50).toString(36)}`,
      parent_id: `t3_p${(n % 50).toString(36)}`,
      body: `comment ${n}`,
      created_utc: START + (n * 104_729) % (4 * DAY),
      score: n % 9,
    };
  });
}

/** The lines as a file has them. */
export function jsonLines(lines: readonly Line[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** Compresses with a window of `2^windowLog` bytes, in one frame of unknown length. */
export async function zstd(bytes: Uint8Array, windowLog: number): Promise<Uint8Array> {
  const { ZSTD_c_windowLog, ZSTD_c_enableLongDistanceMatching } = constants;
  const encoder = createZstdCompress({
    params: { [ZSTD_c_windowLog]: windowLog, [ZSTD_c_enableLongDistanceMatching]: 1 },
  });
  // In pieces: one that is known to end would get a window of its own size.
  const half = bytes.length >> 1;
  return await collect(
    Readable.from([bytes.subarray(0, half), bytes.subarray(half)]).pipe(encoder),
  );
}

/** The lines of a compressed archive of one frame. */
export async function readArchive(path: string): Promise<Line[]> {
  const decoder = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 31 } });
  const bytes = await collect(Readable.from([await Deno.readFile(path)]).pipe(decoder));
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await Array.fromAsync(stream)));
}

/** Counts of one day of a subreddit. */
export interface Day {
  posts: number;
  comments: number;
  authors: Set<string>;
}

/** Counts of one user. */
export interface User {
  posts: number;
  comments: number;
  subreddits: Set<string>;
}

/** What the answers about archives must be. */
export interface Expected {
  /** By subreddit and start of the day. */
  readonly days: Map<string, Map<string, Day>>;
  /** Posts by subreddit, the best first. */
  readonly top: Map<string, { id: string; score: number; time: number }[]>;
  readonly users: Map<string, User>;
  /** Names of both as they were written last, by what they compare by. */
  readonly subredditNames: Names;
  readonly userNames: Names;
}

type Names = Map<string, { readonly name: string; readonly time: number }>;

/** Names compare without the case of letters of ASCII. */
function folded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Takes up a spelling; returns what it compares by. */
function spell(names: Names, name: string, time: number): string {
  const key = folded(name);
  const known = names.get(key);
  const later = known === undefined || time > known.time ||
    (time === known.time && name > known.name);
  if (later) names.set(key, { name, time });
  return key;
}

/** Counts over the lines of archives. */
export function countLines(posts: readonly Line[], comments: readonly Line[]): Expected {
  const expected: Expected = {
    days: new Map(),
    top: new Map(),
    users: new Map(),
    subredditNames: new Map(),
    userNames: new Map(),
  };
  const take = (line: Line, what: "posts" | "comments") => {
    const time = Number(line.created_utc);
    const subreddit = spell(expected.subredditNames, String(line.subreddit), time);
    const author = spell(expected.userNames, String(line.author ?? "[deleted]"), time);
    const start = new Date((time - time % DAY) * 1000).toISOString();
    const day = entry(entry(expected.days, subreddit, () => new Map<string, Day>()), start, () => ({
      posts: 0,
      comments: 0,
      authors: new Set<string>(),
    }));
    const user = entry(expected.users, author, () => ({
      posts: 0,
      comments: 0,
      subreddits: new Set<string>(),
    }));
    day[what]++;
    day.authors.add(author);
    user[what]++;
    user.subreddits.add(subreddit);
    return { subreddit, time };
  };
  for (const line of posts) {
    const { subreddit, time } = take(line, "posts");
    entry(expected.top, subreddit, () => [])
      .push({ id: `t3_${line.id}`, score: Number(line.score), time });
  }
  for (const line of comments) take(line, "comments");
  for (const top of expected.top.values()) {
    top.sort((a, b) => b.score - a.score || b.time - a.time || (a.id < b.id ? 1 : -1));
  }
  return expected;
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

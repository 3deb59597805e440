/**
 * Queries to the API at a rate, open loop: a query counts from when it was due, also where earlier
 * ones held it back.
 *
 * @module
 */

import { pause } from "../support/demo.ts";

/** What a load of queries has met. */
export interface PointQueries {
  /** Milliseconds from due until the whole answer was there, of each query. */
  readonly latencies: readonly number[];
  /** Queries without an answer of status 200. */
  readonly failed: number;
}

/** Subreddits whose best posts and activity are asked for. */
const HOT = 20;

/** Paths of a mix: the best posts of a hot subreddit, its activity, one of its authors. */
export async function hotPaths(api: string): Promise<string[]> {
  const subreddits = await items(`${api}/v1/subreddits?sort=posts&window=1h&limit=${HOT}`);
  const paths: string[] = [];
  for (const { subreddit } of subreddits) {
    const top = `/v1/subreddits/${subreddit}/top`;
    for (const { user_id } of await items(`${api}${top}?k=50`)) {
      paths.push(
        `${top}?k=10`,
        `/v1/subreddits/${subreddit}/activity?window=1h`,
        `/v1/users/${user_id}/activity`,
      );
    }
  }
  if (paths.length === 0) throw new Error("The API shows no subreddit to ask about");
  return paths;
}

/** Asks for the paths in turns, at a rate a second, for a duration in milliseconds. */
export async function pointQueries(
  urls: readonly string[],
  { rate, duration }: { readonly rate: number; readonly duration: number },
): Promise<PointQueries> {
  const latencies: number[] = [];
  let failed = 0;
  const begun = performance.now();
  const ask = async (url: string, due: number) => {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.status !== 200) failed++;
    } catch {
      failed++;
    }
    latencies.push(performance.now() - due);
  };
  const asked: Promise<void>[] = [];
  const count = rate * duration / 1000;
  while (asked.length < count) {
    const due = begun + asked.length * 1000 / rate;
    const now = performance.now();
    if (due > now) await pause(due - now);
    else asked.push(ask(urls[asked.length % urls.length]!, due));
  }
  await Promise.all(asked);
  return { latencies, failed };
}

async function items(url: string): Promise<Readonly<Record<string, string>>[]> {
  const response = await fetch(url);
  const answer = await response.json();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${JSON.stringify(answer)}`);
  return answer.items;
}

/**
 * The generator's HTTP requests to the serving layer.
 *
 * @module
 */

import { compareRank, partitionName, PipelineError, type Post } from "@pipeline/core";

/** A post on the log. */
export interface SentPost {
  /** Its content. */
  readonly post: Post;
  /** Its partition of `reddit.posts`. */
  readonly partition: number;
  /** Its offset there. */
  readonly offset: number;
}

/**
 * Whether the serving layer shows a post.
 *
 * @throws {PipelineError} `corrupt` if the answer lacks it but claims to include its offset.
 */
export type Shows = (sent: SentPost) => Promise<boolean>;

/** What this module reads of an answer; one of an unknown subreddit has provenance alone. */
interface Answer {
  readonly items?: readonly {
    readonly post_id: string;
    readonly score: number;
    readonly created_utc: string;
  }[];
  readonly exact?: boolean;
  readonly provenance?: {
    readonly horizon: Readonly<Record<string, readonly number[]>>;
    readonly missing: readonly string[];
  };
}

/** Most posts of a subreddit that the API returns. */
const MOST = 100;

/** Milliseconds to wait for an answer. */
const TIMEOUT = 5_000;

const TOPIC = "reddit.posts";

/**
 * Creates a function that checks whether the API shows a post among the best of its subreddit, and
 * that its answers lack none that they claim to include: it asks for answers of at least the post's
 * offset, once an answer has shown how many partitions there are. While the API does not answer, the
 * result is false.
 *
 * @param url of the API, e.g. `http://serving:80`.
 */
export function showsPost(url: string): Shows {
  let partitions = 0;
  return async (sent) => {
    const { post, partition, offset } = sent;
    const path = new URL(`/v1/subreddits/${encodeURIComponent(post.subreddit)}/top?k=${MOST}`, url);
    const asked = partitions > partition;
    if (asked) {
      const least = Array.from(
        { length: partitions },
        (_, i) => i === partition ? offset + 1 : null,
      );
      path.searchParams.set("at_least", JSON.stringify({ [TOPIC]: least }));
    }
    const answer = await ask(path);
    if (answer?.items?.some(({ post_id }) => post_id === post.post_id)) return true;
    partitions = answer?.provenance?.horizon[TOPIC]?.length ?? 0;
    if (!asked || answer === undefined || !claims(answer, sent)) return false;
    const name = partitionName(TOPIC, partition);
    throw new PipelineError(
      "corrupt",
      `An answer of the API should include ${name} up to offset ${offset} by its provenance, but ` +
        `lacks the post ${post.post_id}`,
    );
  };
}

/** An answer with provenance; `undefined` for any other, or none. */
async function ask(path: URL): Promise<Answer | undefined> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT) });
    const answer = await response.json() as Answer;
    const known = response.ok || response.status === 404;
    return known && answer.provenance !== undefined ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an answer claims that a post would be in it. */
function claims({ items = [], exact = true, provenance }: Answer, sent: SentPost): boolean {
  const { post, partition } = sent;
  const gaps = ["speed", "store", partitionName(TOPIC, partition)];
  if (!exact || gaps.some((gap) => provenance!.missing.includes(gap))) return false;
  const ranked = items.map((item) => ({ ...item, created_utc: Date.parse(item.created_utc) }));
  return items.length < MOST || ranked.some((item) => compareRank(post, item) < 0);
}

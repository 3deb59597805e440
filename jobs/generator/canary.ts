/**
 * One record on its way through all of the pipeline, watched.
 *
 * @module
 */

import {
  type EventLog,
  keyOf,
  type MasterDataset,
  PipelineError,
  type Post,
  recordBytes,
} from "@pipeline/core";
import { CommitLog } from "@pipeline/protocol";
import { type Clock, systemClock } from "@pipeline/runtime";

/** The subreddit of all canaries, which keeps them out of everyone else's. */
export const CANARIES = "canary";

/** What a canary flies through, and how long it may take. */
export interface CanaryOptions {
  /** Takes the record. */
  readonly log: EventLog;
  /** Gets it in the end. */
  readonly dataset: MasterDataset;
  /** Whether the serving layer shows the post. */
  readonly shows: (post: Post) => Promise<boolean>;
  /** Milliseconds from when the log has it until it is served. */
  readonly within: number;
  /** Milliseconds from then on until the dataset has it. */
  readonly committedWithin: number;
  /** Ends waiting. */
  readonly signal?: AbortSignal;
  /** The machine's where not given. */
  readonly clock?: Clock;
}

/** How long a canary took, in milliseconds. */
export interface Flight {
  /** Until it was served. */
  readonly served: number;
  /** Until the dataset had it. */
  readonly committed: number;
}

/** Milliseconds between two looks. */
const LOOK = 25;

/** Milliseconds between two looks at the dataset, which costs more to ask. */
const SLOW_LOOK = 1_000;

/**
 * Sends a post onto the log and waits until it is served, and then until it is in the dataset.
 *
 * @throws {PipelineError} `unavailable` where it takes longer than it may.
 */
export async function flyCanary(options: CanaryOptions): Promise<Flight> {
  const { log, dataset, shows, within, committedWithin, clock = systemClock } = options;
  const post = hatch(clock.now());
  const producer = await log.producer();
  try {
    const value = recordBytes(post);
    const [sent] = await producer.send([{ topic: "reddit.posts", key: keyOf(post), value }]);
    const { partition, offset } = sent!;
    const start = clock.monotonic();
    const wait = async (
      what: string,
      limit: number,
      step: number,
      done: () => Promise<boolean>,
    ) => {
      while (!await done()) {
        if (clock.monotonic() - start > limit) {
          const where = `reddit.posts-${partition} offset ${offset}`;
          throw new PipelineError(
            "unavailable",
            `The canary ${post.post_id} (${where}) was not ${what} within ${limit} ms`,
          );
        }
        await clock.sleep(step, options.signal);
      }
      return Math.round(clock.monotonic() - start);
    };
    const served = await wait("served", within, LOOK, () => shows(post));
    const commits = new CommitLog(dataset);
    const committed = await wait("in the dataset", committedWithin, SLOW_LOOK, async () => {
      const last = await commits.last("reddit.posts", partition);
      return last !== undefined && last.end > offset;
    });
    return { served, committed };
  } finally {
    await producer.close();
  }
}

function hatch(now: number): Post {
  return {
    kind: "post",
    post_id: `canary_${now.toString(36)}`,
    user_id: "u_canary",
    subreddit: CANARIES,
    title: "A canary",
    content: "Sent to see whether the pipeline works.",
    score: 1,
    num_comments: 0,
    created_utc: now,
    timestamp: now,
  };
}

/**
 * Canaries: records that are watched on their way through the whole pipeline.
 *
 * @module
 */

import {
  type EventLog,
  hashBytes,
  keyOf,
  type LogProducer,
  type MasterDataset,
  PipelineError,
  type Post,
  recordBytes,
} from "@pipeline/core";
import { CommitLog, type Ledger, type LedgerEntry } from "@pipeline/protocol";
import {
  type Clock,
  type Logger,
  retry,
  type RetryOptions,
  systemClock,
  Waiting,
} from "@pipeline/runtime";
import type { Shows } from "./serving_api.ts";

/** The subreddit of all canaries, separate from all others. */
export const CANARIES = "canary";

/** The path of every canary, and its time limit until it is served. */
export interface CanaryPath {
  /** The log that receives the record. */
  readonly log: Pick<EventLog, "producer">;
  /** Whether the serving layer shows the post. */
  readonly shows: Shows;
  /** Milliseconds from the acknowledgement until it must be served. */
  readonly within: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/** Options of {@linkcode sendCanary}. */
export interface CanaryOptions extends CanaryPath {
  /** The dataset that receives the record in the end. */
  readonly dataset: MasterDataset;
  /** How a failed send is retried: with the same post, of which a second copy changes nothing. */
  readonly retry?: RetryOptions;
  /** Logs waits. */
  readonly logger?: Logger;
  /** Milliseconds from the acknowledgement until it must be in the dataset. */
  readonly committedWithin: number;
  /** Receives the acknowledged record, for a later verification. */
  readonly ledger?: Ledger | undefined;
}

/** Options of {@linkcode sendCanaries}. */
export interface CanariesOptions extends CanaryPath {
  /** Milliseconds between the starts of two canaries. */
  readonly every: number;
  /** Ends all work. */
  readonly signal: AbortSignal;
  /** Called for each served canary with its milliseconds since the acknowledgement. */
  readonly onServed: (took: number) => void;
  /** Called for each lost canary with the reason. */
  readonly onLost: (error: PipelineError) => void;
}

/** Latencies of a canary, in milliseconds. */
export interface Flight {
  /** Until it was served. */
  readonly served: number;
  /** Until it was in the dataset. */
  readonly committed: number;
}

/** Milliseconds between two queries. */
const POLL_INTERVAL = 25;

/** Milliseconds between two queries of the dataset, which are more expensive. */
const SLOW_LOOK = 1_000;

/**
 * Sends a post onto the log and waits until it is served, and then until it is in the dataset.
 *
 * @throws {PipelineError} `unavailable` if a time limit is exceeded, `corrupt` if an answer lacks
 * the post but claims to include it.
 */
export async function sendCanary(options: CanaryOptions): Promise<Flight> {
  const { log, dataset, committedWithin, ledger, logger } = options;
  const producer = await log.producer();
  try {
    const canary = await Canary.send(producer, options);
    await ledger?.append([canary.entry]);
    const served = await canary.served({ ...options, logger });
    const commits = new CommitLog(dataset);
    const committed = await canary.wait({
      what: "in the dataset",
      hint: "check ingest's log and lag",
      limit: committedWithin,
      step: SLOW_LOOK,
      logger,
    }, async () => {
      const last = await commits.last("reddit.posts", canary.entry.partition);
      return last !== undefined && last.end > canary.entry.offset;
    });
    return { served, committed };
  } finally {
    await producer.close();
  }
}

/**
 * Sends one post after the other and watches each until it is served, until the signal is aborted.
 * A canary is lost if it is late, if the log does not accept it for now, or if an answer lacks it
 * but claims to include it. Then the next one is sent.
 *
 * @throws any error that a retry cannot mend.
 */
export async function sendCanaries(options: CanariesOptions): Promise<void> {
  const { log, every, signal, onServed, onLost, clock = systemClock } = options;
  const producer = await log.producer();
  try {
    while (!signal.aborted) {
      const begun = clock.monotonic();
      try {
        onServed(await (await Canary.send(producer, options)).served(options));
      } catch (error) {
        if (signal.aborted) break;
        const lost = error instanceof PipelineError &&
          (error.retriable || error.code === "corrupt");
        if (!lost) throw error;
        onLost(error);
      }
      const rest = every - (clock.monotonic() - begun);
      if (rest > 0) await clock.sleep(rest, signal).catch(() => {});
    }
  } finally {
    await producer.close();
  }
}

/** A condition to wait for. */
interface Watch {
  /** The state reached, e.g. `served`. */
  readonly what: string;
  /** Where to look if it is not reached. */
  readonly hint: string;
  /** Time limit in milliseconds. */
  readonly limit: number;
  /** Milliseconds between two queries. */
  readonly step: number;
  /** Logs the wait. */
  readonly logger?: Logger | undefined;
}

/** A canary that was sent. */
class Canary {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #start: number;

  private constructor(
    readonly post: Post,
    readonly entry: LedgerEntry,
    { clock = systemClock, signal }: Pick<CanaryPath, "clock" | "signal">,
  ) {
    this.#clock = clock;
    this.#signal = signal;
    this.#start = clock.monotonic();
  }

  static async send(
    producer: LogProducer,
    options: CanaryPath & Pick<CanaryOptions, "retry">,
  ): Promise<Canary> {
    const post = canaryPost((options.clock ?? systemClock).now());
    const value = recordBytes(post);
    const send = () => producer.send([{ topic: "reddit.posts", key: keyOf(post), value }]);
    const [sent] = options.retry === undefined ? await send() : await retry(send, options.retry);
    return new Canary(post, { ...sent!, id: post.post_id, hash: hashBytes(value) }, options);
  }

  /** Milliseconds until it was served. */
  served(
    { shows, within, logger }: CanaryPath & { readonly logger?: Logger | undefined },
  ): Promise<number> {
    const hint = "check the logs of speed and serving, and speed's lag";
    const watched = { what: "served", hint, limit: within, step: POLL_INTERVAL, logger };
    const { partition, offset } = this.entry;
    return this.wait(watched, () => shows({ post: this.post, partition, offset }));
  }

  /** Milliseconds from the acknowledgement until a condition was met. */
  async wait(
    { what, hint, limit, step, logger }: Watch,
    done: () => Promise<boolean>,
  ): Promise<number> {
    const took = () => this.#clock.monotonic() - this.#start;
    const canary = `The canary ${this.post.post_id} ` +
      `(reddit.posts-${this.entry.partition} offset ${this.entry.offset})`;
    const waiting = new Waiting({
      what: `${canary} is on the log: waiting until it is ${what}`,
      clock: this.#clock,
      logger,
    });
    while (!await done()) {
      if (took() > limit) {
        throw new PipelineError(
          "unavailable",
          `${canary} was not ${what} within ${limit} ms: ${hint}`,
        );
      }
      waiting.look({ at_most_ms: limit });
      await this.#clock.sleep(step, this.#signal);
    }
    return Math.round(took());
  }
}

function canaryPost(now: number): Post {
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

/**
 * Records on their way through all of the pipeline, watched.
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

/** The subreddit of all canaries, which keeps them out of everyone else's. */
export const CANARIES = "canary";

/** What every canary passes through, and how long it may take until it is served. */
export interface CanaryPath {
  /** Takes the record. */
  readonly log: Pick<EventLog, "producer">;
  /** Whether the serving layer shows the post. */
  readonly shows: (post: Post) => Promise<boolean>;
  /** Milliseconds from when the log has it until it is served. */
  readonly within: number;
  /** Ends waiting. */
  readonly signal?: AbortSignal;
  /** The machine's where not given. */
  readonly clock?: Clock;
}

/** Options of {@linkcode sendCanary}. */
export interface CanaryOptions extends CanaryPath {
  /** Gets the record in the end. */
  readonly dataset: MasterDataset;
  /** How sending is tried again: the same post, of which a second copy changes nothing. */
  readonly retry?: RetryOptions;
  /** Told what is waited for. */
  readonly logger?: Logger;
  /** Milliseconds from when the log has it until the dataset has it. */
  readonly committedWithin: number;
  /** Gets what the log acknowledged, for a verification to check. */
  readonly ledger?: Ledger | undefined;
}

/** Options of {@linkcode sendCanaries}. */
export interface CanariesOptions extends CanaryPath {
  /** Milliseconds between the starts of two. */
  readonly every: number;
  /** Ends all of it. */
  readonly signal: AbortSignal;
  /** Told of each that was served: milliseconds from when the log had it. */
  readonly onServed: (took: number) => void;
  /** Told why one was not. */
  readonly onLost: (error: PipelineError) => void;
}

/** How long a canary took, in milliseconds. */
export interface Flight {
  /** Until it was served. */
  readonly served: number;
  /** Until the dataset had it. */
  readonly committed: number;
}

/** Milliseconds between two queries. */
const POLL_INTERVAL = 25;

/** Milliseconds between two looks at the dataset, which costs more to ask. */
const SLOW_LOOK = 1_000;

/**
 * Sends a post onto the log and waits until it is served, and then until it is in the dataset.
 *
 * @throws {PipelineError} `unavailable` where it takes longer than it may.
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
      hint: "see what ingest logs, and its lag",
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
 * Sends one post after the other and watches each until it is served, until told to end. One that
 * is late, or that the log does not take for the moment, is lost, and the next one is sent.
 *
 * @throws whatever trying again cannot mend.
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
        if (!(error instanceof PipelineError) || !error.retriable) throw error;
        onLost(error);
      }
      const rest = every - (clock.monotonic() - begun);
      if (rest > 0) await clock.sleep(rest, signal).catch(() => {});
    }
  } finally {
    await producer.close();
  }
}

/** What a canary is watched for. */
interface Watch {
  /** What it is then, e.g. `served`. */
  readonly what: string;
  /** What to look at where it is not. */
  readonly hint: string;
  /** Milliseconds. */
  readonly limit: number;
  /** Milliseconds between two queries. */
  readonly step: number;
  /** Told of the wait. */
  readonly logger?: Logger | undefined;
}

/** One that is on its way. */
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
    const hint = "see what speed and serving log, and speed's lag";
    const watched = { what: "served", hint, limit: within, step: POLL_INTERVAL, logger };
    return this.wait(watched, () => shows(this.post));
  }

  /** Milliseconds, since the log had it, until something was so. */
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

/**
 * Canaries through the whole pipeline: posts of a subreddit of their own, several a second, and an
 * API that is asked all the time how many of them it counts.
 *
 * An answer names the offsets below which it includes the log. Whoever knows the canaries' offsets
 * knows which of them it must count: exactly those below.
 *
 * @module
 */

import { type EventLog, keyOf, type Post, recordBytes } from "@pipeline/core";
import { pause } from "../support/demo.ts";

/** Milliseconds between two canaries, and between two queries. */
const EVERY = { canary: 100, query: 25 };

/** Milliseconds after which an answer is given up. */
const TIMEOUT = 5_000;

const SUBREDDIT = "bench_canary";
const TOPIC = "reddit.posts";

interface Canary {
  readonly due: number;
  readonly partition: number;
  readonly offset: number;
}

interface Answer {
  readonly asked: number;
  readonly at: number;
  /** Canaries that it counts. */
  readonly count: number;
  /** By partition: the offset below which it includes the log. */
  readonly folded: readonly (number | null)[];
}

/** What happened from a moment on. Times in milliseconds; infinite if something never came. */
export interface CanaryReport {
  /** From the moment until the first answer. */
  readonly answered: number;
  /** The age of that answer: since the oldest canary was due that it lacks. */
  readonly age: number;
  /** Answers. */
  readonly answers: number;
  /** Answers that do not count exactly the canaries below their offsets. */
  readonly wrong: number;
  /** Queries without an answer. */
  readonly failed: number;
  /** The longest time from which a canary was due until an answer counted it. */
  readonly gap: number;
  /** From the moment until an answer counted a canary in time, and all later ones came in time. */
  readonly fresh: number;
}

/** Sends and asks until it is stopped. */
export class CanaryWatch {
  readonly #log: EventLog;
  readonly #url: string;
  readonly #canaries: Canary[] = [];
  readonly #answers: Answer[] = [];
  readonly #failed: number[] = [];
  #ending = false;
  readonly #done: Promise<unknown>;

  /** @param api the URL of serving. */
  constructor(log: EventLog, api: string) {
    this.#log = log;
    this.#url = `${api}/v1/subreddits/${SUBREDDIT}/activity?window=1d`;
    this.#done = Promise.all([this.#send(), this.#ask()]);
  }

  /** Ends both. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#done;
  }

  /**
   * What happened since a moment (`Date.now()`).
   *
   * @param inTime milliseconds in which a canary must be counted to be fresh.
   */
  report(since: number, inTime: number): CanaryReport {
    const now = Date.now();
    const answers = this.#answers.filter(({ asked }) => asked >= since);
    const [first] = answers;
    // Those that no answer had counted before. One that is missing counts from when it is late.
    const canaries = this.#canaries.map((canary) => ({ ...canary, seen: this.#seen(canary) }))
      .map((canary) => ({ ...canary, took: Math.min(canary.seen, now) - canary.due }))
      .filter(({ seen, took }) => seen >= since && (seen <= now || took >= inTime))
      .toSorted((a, b) => a.due - b.due);
    const lacking = first && this.#canaries.filter((canary) => !includes(first, canary))
      .map(({ due }) => first.at - due);
    const late = canaries.findLastIndex(({ took }) => took >= inTime);
    const fresh = canaries.slice(late + 1).find(({ due }) => due >= since);
    return {
      answered: first === undefined ? Infinity : first.at - since,
      age: Math.max(0, ...lacking ?? [Infinity]),
      answers: answers.length,
      wrong: answers.filter((answer) => answer.count !== this.#below(answer)).length,
      failed: this.#failed.filter((asked) => asked >= since).length,
      gap: Math.max(0, ...canaries.map(({ took }) => took)),
      fresh: fresh === undefined ? Infinity : fresh.seen - since,
    };
  }

  /** When the first answer counted a canary. */
  #seen(canary: Canary): number {
    return this.#answers.find((answer) => includes(answer, canary))?.at ?? Infinity;
  }

  #below(answer: Answer): number {
    return this.#canaries.filter((canary) => includes(answer, canary)).length;
  }

  async #send(): Promise<void> {
    const producer = await this.#log.producer();
    const sent: Promise<void>[] = [];
    for (let number = 0; !this.#ending; number++) {
      const due = Date.now();
      const post = postOf(number, due);
      const record = { topic: TOPIC, key: keyOf(post), value: recordBytes(post) };
      sent.push(
        producer.send([record]).then(([acknowledged]) => {
          this.#canaries.push({ due, ...acknowledged! });
        }),
      );
      await pause(due + EVERY.canary - Date.now());
    }
    await Promise.all(sent);
    await producer.close();
  }

  async #ask(): Promise<void> {
    while (!this.#ending) {
      const asked = Date.now();
      try {
        const response = await fetch(this.#url, { signal: AbortSignal.timeout(TIMEOUT) });
        const body = await response.json();
        const at = Date.now();
        if (response.ok) {
          const items = body.items as { readonly posts: number }[];
          const count = items.reduce((sum, { posts }) => sum + posts, 0);
          this.#answers.push({ asked, at, count, folded: body.provenance.folded[TOPIC] });
        } else this.#failed.push(asked);
      } catch {
        this.#failed.push(asked);
      }
      await pause(Math.max(0, asked + EVERY.query - Date.now()));
    }
  }
}

function includes({ folded }: Answer, { partition, offset }: Canary): boolean {
  return (folded[partition] ?? 0) > offset;
}

function postOf(number: number, now: number): Post {
  return {
    kind: "post",
    post_id: `bench_canary_${number}`,
    user_id: "u_bench_canary",
    subreddit: SUBREDDIT,
    title: "A canary",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: now,
    timestamp: now,
  };
}

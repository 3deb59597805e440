/**
 * Asks the API about a few busy names all the time, beside a fault, and judges the answers: each is
 * whole, and equal to the fold of the log at the vector of offsets that it names.
 *
 * @module
 */

import {
  formatTime,
  nameKey,
  type PartQuery,
  TOPICS,
  type ViewName,
  WINDOWS,
} from "@pipeline/core";
import type { Provenance } from "@pipeline/serving";
import { assert, assertEquals } from "@std/assert";
import { pause } from "../support/demo.ts";
import { Exactness } from "./_exact.ts";
import type { Stage } from "./_stage.ts";

/** A question that is asked over and over: batch's share of its answer is in serving's memory. */
export interface Question {
  /** Path and query of the URL. */
  readonly path: string;
  readonly view: ViewName;
  /** Selects the documents that the answer is merged from. */
  readonly query: PartQuery;
}

/** An answer of the API. */
export interface Answer {
  readonly question: Question;
  readonly items: readonly unknown[];
  readonly provenance: Provenance;
}

/** What is asked, and what answers are compared with. */
export type Place = Pick<Stage, "api" | "rate" | "log" | "store">;

/** Milliseconds between two questions. */
const INTERVAL = 200;

/** Milliseconds that the API may take: longer than its own limit. */
const LONGEST_ANSWER = 20_000;

/** Seconds of the load that a fresh answer may lack, as much as speed may be behind when all is well. */
const FRESH = 10;

/** Least share of parts that come from memory where answers are to be fresh. */
const FROM_MEMORY = 0.9;

/** Subreddits, and as many of their authors, that are asked about. */
const NAMES = 3;

/** Questions that are asked until it is disposed; use {@linkcode Asking.begin}. */
export class Asking implements AsyncDisposable {
  readonly #stage: Place;
  readonly #questions: readonly Question[];
  readonly #exactness: Exactness;
  readonly #answers: Answer[] = [];
  readonly #holes: string[] = [];
  #over = false;
  #asking: Promise<void> | undefined;

  private constructor(stage: Place, questions: readonly Question[]) {
    this.#stage = stage;
    this.#questions = questions;
    this.#exactness = new Exactness(stage, questions);
  }

  /** Finds busy names, asks about each until there is a whole answer, and goes on asking. */
  static async begin(stage: Place): Promise<Asking> {
    const asking = new Asking(stage, await questionsOf(stage));
    await asking.#exactness.remember();
    for (const question of asking.#questions) await asking.#ask(question);
    assertEquals(asking.#holes, [], "not all questions were answered before the fault");
    asking.#asking = asking.#askOn();
    return asking;
  }

  /**
   * Throws unless each answer so far includes all records but those of the last seconds, and nearly
   * all parts come from memory.
   */
  assertFresh(): void {
    const { behind, share } = this.#figures;
    assert(behind <= FRESH * this.#stage.rate, `an answer was ${behind} records behind`);
    assert(share >= FROM_MEMORY, `only ${percent(share)} of the parts came from memory`);
  }

  /**
   * Stops asking, and throws where an answer is not whole, or not exact.
   *
   * @returns what the answers were like, in a few words.
   */
  async end(): Promise<string> {
    await this[Symbol.asyncDispose]();
    const holes = this.#holes;
    assert(holes.length === 0, `${holes.length} were not whole: ${holes.slice(0, 3).join("; ")}`);
    const compared = await this.#exactness.compare(this.#answers);
    const { behind, share } = this.#figures;
    return `${this.#answers.length} answers, all whole, at most ${behind} records behind, ` +
      `${percent(share)} of parts from memory, ${compared} compared and exact`;
  }

  /** The records that an answer lacked at most, and the share of parts that came from memory. */
  get #figures() {
    const behind = Math.max(...this.#answers.map(({ provenance }) => provenance.lag ?? 0));
    return { behind, share: fromMemory(this.#answers) };
  }

  /** The generations that answered so far. */
  get generations(): ReadonlySet<number> {
    return new Set(this.#answers.map(({ provenance }) => provenance.generation));
  }

  /** Stops asking. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#asking;
  }

  async #askOn(): Promise<void> {
    for (let i = 0; !this.#over; i++) {
      await this.#ask(this.#questions[i % this.#questions.length]!);
      await pause(INTERVAL);
    }
  }

  async #ask(question: Question): Promise<void> {
    const hole = (why: string) => void this.#holes.push(`${question.path}: ${why}`);
    try {
      const response = await fetch(`${this.#stage.api}${question.path}`, {
        signal: AbortSignal.timeout(LONGEST_ANSWER),
      });
      const { items, provenance, detail } = await response.json();
      if (!response.ok) return hole(`${response.status}, ${detail}`);
      // That the end of the log is unknown takes nothing from the answer.
      const missing = provenance.missing.filter((what: string) => what !== "log");
      if (missing.length > 0) return hole(`without ${missing.join(", ")}`);
      this.#answers.push({ question, items, provenance });
    } catch (error) {
      hole(String(error));
    }
  }
}

/** The name of the subreddit with the most posts of the hour. */
export async function busiest(stage: Place): Promise<string> {
  const [first] = await subredditsOf(stage);
  assert(first !== undefined, "no subreddit has posts");
  return first;
}

async function subredditsOf({ api }: Place): Promise<string[]> {
  const list = await get(`${api}/v1/subreddits?window=1h&limit=${NAMES}&sort=posts`);
  return list.items.map(({ subreddit }: { readonly subreddit: string }) => subreddit);
}

/** Questions about the busiest subreddits and their best posts' authors, around the present. */
async function questionsOf(stage: Place): Promise<Question[]> {
  const found: Question[] = [];
  const now = Date.now();
  for (const subreddit of await subredditsOf(stage)) {
    const minutes = {
      window: "1m",
      ...around(now, { before: 120, after: 120, size: "1m" }),
    } as const;
    found.push({
      path: pathOf(`subreddits/${subreddit}`, minutes),
      view: "subreddit_activity",
      query: { type: "activity", subreddit: nameKey(subreddit), ...minutes, ...ALL },
    });
    const top = await get(`${stage.api}/v1/subreddits/${subreddit}/top?k=1`);
    const days = { window: "1d", ...around(now, { before: 1, after: 2, size: "1d" }) } as const;
    const { user_id } = top.items[0];
    found.push({
      path: pathOf(`users/${user_id}`, days),
      view: "user_activity",
      query: { type: "user_window", user_id: nameKey(user_id), ...days, ...ALL },
    });
  }
  return found;
}

const ALL = { order: "window", limit: 1_000 } as const;

interface Windows {
  readonly window: "1m" | "1d";
  readonly from: number;
  readonly to: number;
}

function around(
  now: number,
  { before, after, size }: { before: number; after: number; size: Windows["window"] },
): Pick<Windows, "from" | "to"> {
  const start = now - now % WINDOWS[size];
  return { from: start - before * WINDOWS[size], to: start + after * WINDOWS[size] };
}

function pathOf(owner: string, { window, from, to }: Windows): string {
  return `/v1/${owner}/activity?window=${window}&from=${formatTime(from)}&to=${formatTime(to)}`;
}

function fromMemory(answers: readonly Answer[]): number {
  const sources = answers.flatMap(({ provenance }) =>
    TOPICS.flatMap((topic) => provenance.sources[topic])
  );
  return sources.filter((source) => source === "memory").length / sources.length;
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

// deno-lint-ignore no-explicit-any -- answers are looked at field by field
async function get(url: string): Promise<any> {
  const response = await fetch(url, { signal: AbortSignal.timeout(LONGEST_ANSWER) });
  const body = await response.json();
  assert(response.ok, `${url} answers ${response.status}: ${JSON.stringify(body)}`);
  return body;
}

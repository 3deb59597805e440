/**
 * One source of live parts: a process of speed, at one address.
 *
 * One request is in flight at a time, and what comes meanwhile travels together in the next: at low
 * load that costs nothing, and at high load it bounds the number of requests.
 *
 * A request that is not answered in time is sent once more, with what came meanwhile: the process
 * may only have been busy, and what answers in its place, the store's copy, is older.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { PartAnswer } from "@pipeline/protocol";
import { type Clock, errorText, type Logger } from "@pipeline/runtime";
import { Breaker } from "./_breaker.ts";
import {
  type Address,
  addressName,
  Connection,
  type ConnectionOptions,
  type Reply,
  TimedOut,
} from "./_connection.ts";
import { type Held, heldIn } from "./_coverage.ts";
import { join, type Joined, type Prepared } from "./_joined.ts";
import { type ReadParts, readParts } from "./_reply.ts";

/** How a request ended: `left_out` was not sent, since the source failed before. */
export const RESULTS = ["answered", "refused", "failed", "left_out"] as const;

/** How a request ended. */
export type Result = (typeof RESULTS)[number];

/** What a source needs of its client. */
export interface SourceOptions extends ConnectionOptions {
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly logger?: Logger | undefined;
  /** Counts a request. */
  readonly count: (result: Result) => void;
  /** Called after each failure: the address may have changed. */
  readonly failed: () => void;
}

/** A request to several sources. */
export interface Asked extends Prepared {
  /** Whether its caller no longer waits: then it is not sent. */
  over: boolean;
}

interface Waiting {
  readonly asked: Asked;
  readonly resolve: (parts: readonly PartAnswer[]) => void;
  /** Whether it was sent already, and not answered in time. */
  readonly repeated: boolean;
}

/** Who waits for a request, and where its questions stand in that. */
interface Member {
  readonly waiting: Waiting;
  readonly places: readonly number[];
}

/**
 * Answers that say "not this", from a source that works: a bad request, a generation that it does
 * not fold, too large a request, too many requests.
 */
const REFUSALS: readonly number[] = [400, 409, 413, 429];

/** Refusals that this client should not cause: they are logged, once for each status. */
const UNEXPECTED: readonly number[] = [400, 413];

/** A client of one source. */
export class Source {
  readonly #o: SourceOptions;
  readonly #name: string;
  readonly #connection: Connection;
  readonly #breaker: Breaker;
  readonly #logged = new Set<string>();
  #waiting: Waiting[] = [];
  #busy = false;
  #working = Promise.resolve();
  #closed = false;
  #last: { readonly head: string; readonly held: Held } | undefined;

  constructor(address: Address, options: SourceOptions) {
    this.#o = options;
    this.#name = addressName(address);
    this.#breaker = new Breaker(options.clock);
    this.#connection = new Connection(address, options);
  }

  /** The parts that it held when it last answered about the same fold. */
  held({ head }: Prepared): Held | undefined {
    return this.#last?.head === head ? this.#last.held : undefined;
  }

  /**
   * The source's answer, with none of its parts if it fails, refuses or is left out, or twice does
   * not answer in time. Never rejects.
   * While the source is left out, one request at a time goes to it as a probe, as soon as the
   * breaker allows; no other one waits for that.
   */
  ask(asked: Asked): Promise<readonly PartAnswer[]> {
    const { isOpen, allows } = this.#breaker;
    if (this.#closed || !allows || isOpen && this.#busy) {
      this.#o.count("left_out");
      return Promise.resolve([]);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ asked, resolve, repeated: false });
      if (!this.#busy) this.#working = this.#work();
    });
  }

  /** Answers what has been asked, then closes all connections. */
  async retire(): Promise<void> {
    if (this.#closed) return await this.#working;
    this.#closed = true;
    await this.#working;
    this.#connection.close();
  }

  /** Abandons all requests, and closes all connections. */
  async close(): Promise<void> {
    this.#leaveWaiting();
    this.#connection.abort();
    await this.retire();
  }

  /** Sends what waits, request by request, until nothing waits. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#settle(next.members, await this.#send(next.joined));
      // They would wait for a source that is now left out.
      if (this.#breaker.isOpen) this.#leaveWaiting();
    }
    this.#busy = false;
  }

  /** @param parts `undefined` if there was no answer in time, and the request may be repeated. */
  #settle(members: readonly Member[], parts: readonly PartAnswer[] | undefined): void {
    const repeated: Waiting[] = [];
    for (const { waiting, places } of members) {
      if (parts === undefined && !waiting.repeated) repeated.push({ ...waiting, repeated: true });
      else waiting.resolve(select(parts ?? [], places));
    }
    this.#waiting.unshift(...repeated);
  }

  /** The next request, with those who wait for it. */
  #take() {
    for (const { asked, resolve } of this.#waiting) if (asked.over) resolve([]);
    const waiting = this.#waiting.filter(({ asked }) => !asked.over);
    const [first, ...others] = waiting.map(({ asked }) => asked);
    this.#waiting = [];
    if (first === undefined) return undefined;
    const joined = join([first, ...others]);
    const members: Member[] = [];
    for (const [i, one] of waiting.entries()) {
      const places = joined.places[i];
      if (places === undefined) this.#waiting.push(one);
      else members.push({ waiting: one, places });
    }
    return { joined, members };
  }

  #leaveWaiting(): void {
    for (const { resolve } of this.#waiting) {
      this.#o.count("left_out");
      resolve([]);
    }
    this.#waiting = [];
  }

  /** `undefined` if there was no answer in time, and the request may be repeated. */
  async #send(joined: Joined): Promise<readonly PartAnswer[] | undefined> {
    try {
      return this.#judge(await this.#connection.post(joined.body), joined);
    } catch (error) {
      this.#fail(error);
      const repeat = error instanceof TimedOut && !this.#breaker.isOpen && !this.#closed;
      return repeat ? undefined : [];
    }
  }

  #judge({ status, text }: Reply, { head, questions }: Joined): readonly PartAnswer[] {
    if (status !== 200 && !REFUSALS.includes(status)) {
      throw new PipelineError("unavailable", `It answered with status ${status}`);
    }
    const { parts, problems } = status === 200 ? readParts(text, questions) : NOTHING;
    if (this.#breaker.isOpen) this.#o.logger?.info("A source of parts answers", this.#fields());
    this.#breaker.succeeded();
    this.#o.count(status === 200 ? "answered" : "refused");
    for (const problem of problems) this.#logOnce(problem);
    if (UNEXPECTED.includes(status)) {
      this.#logOnce(`It refuses a request with status ${status}`, text.slice(0, 500));
    }
    // A source that is overloaded still holds what it held.
    if (status === 200 || status === 409) this.#last = { head, held: heldIn(parts) };
    return parts;
  }

  #fail(error: unknown): void {
    const { count, failed, logger } = this.#o;
    const wasOpen = this.#breaker.isOpen;
    if (error instanceof TimedOut) this.#breaker.timedOut();
    else this.#breaker.failed();
    if (this.#breaker.isOpen && !wasOpen && !this.#closed) {
      logger?.warn("Leave out a source of parts that fails", this.#fields(errorText(error)));
    }
    count("failed");
    failed();
  }

  /** @param reason one of few, each logged once. */
  #logOnce(reason: string, answer?: string): void {
    if (this.#logged.has(reason)) return;
    this.#logged.add(reason);
    const fields = { ...this.#fields(reason), ...(answer === undefined ? {} : { answer }) };
    this.#o.logger?.warn("A source of parts answers in another form than expected", fields);
  }

  #fields(why?: string) {
    return { source: this.#name, ...(why === undefined ? {} : { why }) };
  }
}

const NOTHING: ReadParts = { parts: [], problems: [] };

/** The parts with the answers at these places alone. */
function select(parts: readonly PartAnswer[], places: readonly number[]): readonly PartAnswer[] {
  return parts.map((part) => {
    const whole = places.length === part.answers.length && places.every((place, i) => place === i);
    return whole ? part : { ...part, answers: places.map((place) => part.answers[place]!) };
  });
}

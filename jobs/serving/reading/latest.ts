/**
 * A value of the store that is read again once it is old, and kept while the store does not answer.
 *
 * @module
 */

import { type Clock, withTimeout } from "@pipeline/runtime";

/** Options of {@linkcode Latest}. */
export interface LatestOptions<T> {
  /** Reads the value. */
  readonly read: () => Promise<T>;
  /** Milliseconds for which a value is used, from the beginning of its reading. */
  readonly maxAge: number;
  /** Measures ages, and how long a caller waits. */
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Used as long as nothing could be read; without it, callers wait for the first value. */
  readonly initial?: T;
}

/** Milliseconds that a caller waits for a newer value before it gets the last one. */
const PATIENCE = 250;

/** Least milliseconds between two readings while they fail. */
const RETRY = 250;

/** Milliseconds after which a reading has failed. */
const TIMEOUT = 5_000;

interface Known<T> {
  readonly value: T;
  readonly began: number;
}

interface Attempt<T> {
  readonly began: number;
  readonly done: Promise<T>;
}

/** The last value, shared by all callers. */
export class Latest<T> {
  readonly #o: LatestOptions<T>;
  #known: Known<T> | undefined;
  #attempt: Attempt<T> | undefined;
  #failure: unknown;
  #began = -Infinity;
  /** Grows with each `forget`: readings that began before are not kept. */
  #epoch = 0;

  /** Nothing is read before the first call. */
  constructor(options: LatestOptions<T>) {
    this.#o = options;
    this.forget();
  }

  /** The last value, whatever its age. */
  get last(): T | undefined {
    return this.#known?.value;
  }

  /** Why the last reading failed; `undefined` if it succeeded. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * The value, not older than `maxAge`; while reading fails or takes long, the last one. Rejects
   * only if there is none.
   */
  async get(): Promise<T> {
    const known = this.#known;
    if (known !== undefined && this.#since(known.began) < this.#o.maxAge) return known.value;
    if (known === undefined) return await (this.#attempt ?? this.#begin()).done;
    // Nobody waits for a store that is known to be away.
    const late = this.#attempt !== undefined && this.#since(this.#attempt.began) >= PATIENCE;
    if (late) return known.value;
    if (this.#failure === undefined) return await this.#within(this.#attempt ?? this.#begin());
    if (this.#attempt === undefined && this.#since(this.#began) >= RETRY) this.#begin();
    return known.value;
  }

  /** Reads the value now, and keeps it. */
  async fresh(): Promise<T> {
    return await this.#begin().done;
  }

  /** Drops the last value: the next one is read after this call. */
  forget(): void {
    const { initial } = this.#o;
    this.#epoch++;
    this.#attempt = undefined;
    this.#known = initial === undefined ? undefined : { value: initial, began: -Infinity };
  }

  #begin(): Attempt<T> {
    const { read, clock } = this.#o;
    const began = this.#began = clock.monotonic();
    const epoch = this.#epoch;
    const done = withTimeout(read, { ms: TIMEOUT, what: "The store", clock }).then((value) => {
      if (epoch === this.#epoch && began >= (this.#known?.began ?? -Infinity)) {
        this.#known = { value, began };
      }
      this.#failure = undefined;
      return value;
    }, (error) => {
      this.#failure = error;
      throw error;
    }).finally(() => {
      if (this.#attempt === attempt) this.#attempt = undefined;
    });
    done.catch(() => {});
    const attempt = { began, done };
    this.#attempt = attempt;
    return attempt;
  }

  async #within({ done }: Attempt<T>): Promise<T> {
    const last = () => this.#known?.value ?? done;
    const timer = new AbortController();
    const patience = this.#o.clock.sleep(PATIENCE, timer.signal).then(last, last);
    try {
      return await Promise.race([done.catch(last), patience]);
    } finally {
      timer.abort();
    }
  }

  #since(time: number): number {
    return this.#o.clock.monotonic() - time;
  }
}

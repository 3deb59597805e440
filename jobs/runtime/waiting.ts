/**
 * Says what is waited for: at once, then ever more rarely.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./log.ts";

/** Options of {@linkcode Waiting}. */
export interface WaitingOptions {
  /** A sentence, e.g. `Waiting until speed has folded generation 3`. */
  readonly what: string;
  /** Told of the wait; nobody is where not given. */
  readonly logger?: Pick<Logger, "info"> | undefined;
  /** Measures it. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** Milliseconds from the first line to the second; it doubles from line to line. */
const SECOND = 5_000;

/** One wait, looked at now and then. */
export class Waiting {
  readonly #o: WaitingOptions;
  readonly #began: number;
  #next = 0;

  /** It begins now; nothing is said before it is looked at. */
  constructor(options: WaitingOptions) {
    this.#o = options;
    this.#began = options.clock.monotonic();
  }

  /** Milliseconds so far. */
  get waited(): number {
    return this.#o.clock.monotonic() - this.#began;
  }

  /** It is not over yet: this is how far it is. */
  look(fields: LogFields = {}): void {
    const { what, logger } = this.#o;
    const waited = this.waited;
    if (waited < this.#next) return;
    this.#next = Math.max(SECOND, 2 * waited);
    logger?.info(what, { ...fields, waited_ms: Math.round(waited) });
  }
}

/**
 * Logs a wait: at once, then ever more rarely.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./log.ts";

/** Options of {@linkcode Waiting}. */
export interface WaitingOptions {
  /** A sentence, e.g. `Waiting until speed has folded generation 3`. */
  readonly what: string;
  /** Logs the wait; optional. */
  readonly logger?: Pick<Logger, "info"> | undefined;
  /** Measures the wait. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** Milliseconds from the first line to the second; it doubles from line to line. */
const SECOND = 5_000;

/** One wait that is polled. */
export class Waiting {
  readonly #o: WaitingOptions;
  readonly #began: number;
  #next = 0;

  /** Starts the wait; nothing is logged before the first `look`. */
  constructor(options: WaitingOptions) {
    this.#o = options;
    this.#began = options.clock.monotonic();
  }

  /** Milliseconds waited so far. */
  get waited(): number {
    return this.#o.clock.monotonic() - this.#began;
  }

  /** Reports that the wait is not over, and its progress. */
  look(fields: LogFields = {}): void {
    const { what, logger } = this.#o;
    const waited = this.waited;
    if (waited < this.#next) return;
    this.#next = Math.max(SECOND, 2 * waited);
    logger?.info(what, { ...fields, waited_ms: Math.round(waited) });
  }
}

/**
 * Leaves out a source that does not answer, for ever longer. A source that is only late may be busy,
 * so it is left out after several time-outs in a row; one that cannot be reached at once.
 *
 * @module
 */

import type { Clock } from "@pipeline/runtime";

/** Time-outs in a row after which a source is left out. */
const PATIENCE = 3;

/** Milliseconds for which a source is left out first; they double with each further failure. */
const FIRST = 100;

/** Most milliseconds for which a source is left out. */
const LONGEST = 10_000;

/** The recent failures of one source. */
export class Breaker {
  readonly #clock: Pick<Clock, "monotonic">;
  #timeouts = 0;
  #pauses = 0;
  #until = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether the source is left out. Then the next request is a probe, which is sent alone. */
  get isOpen(): boolean {
    return this.#pauses > 0;
  }

  /** Whether a request may be sent now. */
  get allows(): boolean {
    return !this.isOpen || this.#clock.monotonic() >= this.#until;
  }

  /** The source answered. */
  succeeded(): void {
    this.#timeouts = 0;
    this.#pauses = 0;
  }

  /** The source did not answer in time. */
  timedOut(): void {
    this.#timeouts++;
    if (this.isOpen || this.#timeouts >= PATIENCE) this.failed();
  }

  /** The source could not be reached, or its answer is of no use. */
  failed(): void {
    const pause = Math.min(LONGEST, FIRST * 2 ** this.#pauses);
    this.#pauses++;
    this.#until = this.#clock.monotonic() + pause;
  }
}

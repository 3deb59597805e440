/**
 * Leaves out a source that does not answer, for ever longer.
 *
 * @module
 */

import type { Clock } from "@pipeline/runtime";

/** Milliseconds for which a source is left out after a failure; they double with each further one. */
const FIRST = 500;

/** Most milliseconds for which a source is left out. */
const LONGEST = 10_000;

/** The recent failures of one source. */
export class Breaker {
  readonly #clock: Pick<Clock, "monotonic">;
  #failures = 0;
  #until = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether the last request failed. Then the next one is a probe, which is sent alone. */
  get isOpen(): boolean {
    return this.#failures > 0;
  }

  /** Whether a request may be sent now. */
  get allows(): boolean {
    return !this.isOpen || this.#clock.monotonic() >= this.#until;
  }

  /** The source answered. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The source did not answer. */
  failed(): void {
    const pause = Math.min(LONGEST, FIRST * 2 ** this.#failures);
    this.#failures++;
    this.#until = this.#clock.monotonic() + pause;
  }
}

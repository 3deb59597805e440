/**
 * The rate at which documents are written.
 *
 * @module
 */

import { type Clock, systemClock } from "@pipeline/runtime";

/** Most documents of one write. */
const MOST = 1_000;

/**
 * Bounds the documents of any one second, over all writers that share it. A writer waits until
 * {@linkcode wait} is 0, and at once spends at most a {@linkcode chunk}.
 */
export class Pace {
  /** Most documents of one write. */
  readonly chunk: number;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Documents a millisecond. */
  readonly #rate: number;
  #free = 0;

  /**
   * Makes a pace.
   *
   * @param most documents of any second; at least 2.
   */
  constructor(most: number, clock: Pick<Clock, "monotonic"> = systemClock) {
    this.#clock = clock;
    this.chunk = Math.min(MOST, Math.max(1, Math.floor(most / 10)));
    // A second holds the chunk with which it begins, and what the rate allows, waits being exact to
    // the millisecond.
    this.#rate = (most - this.chunk) / 1001;
  }

  /** Whole milliseconds until more may be written. */
  wait(): number {
    return Math.max(0, Math.floor(this.#free - this.#clock.monotonic()));
  }

  /** Counts documents that are written now. */
  spend(documents: number): void {
    this.#free = Math.max(this.#free, this.#clock.monotonic()) + documents / this.#rate;
  }
}

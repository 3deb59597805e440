/**
 * The rate at which documents are written.
 *
 * @module
 */

import { type Clock, systemClock } from "@pipeline/runtime";

/** Most documents of one write. */
const MOST = 1_000;

/**
 * Bounds the documents of any one second, over all writers that share it. They take turns, of at
 * most a {@linkcode chunk} each, so that the size of a writer's turns is its share.
 */
export class Pace {
  /** Most documents of one write. */
  readonly chunk: number;
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  /** Ends with the turn of the last writer that has asked for one. */
  #last: Promise<void> = Promise.resolve();
  /** Documents a millisecond. */
  readonly #rate: number;
  #free = 0;

  /**
   * Makes a pace.
   *
   * @param most documents of any second; at least 2.
   */
  constructor(most: number, clock: Pick<Clock, "monotonic" | "sleep"> = systemClock) {
    this.#clock = clock;
    this.chunk = Math.min(MOST, Math.max(1, Math.floor(most / 10)));
    // A second holds the chunk with which it begins, and what the rate allows, waits being exact to
    // the millisecond.
    this.#rate = (most - this.chunk) / 1001;
  }

  /**
   * Waits for the writer's turn, and until more may be written.
   *
   * @param take returns what is written now: at most a {@linkcode chunk}.
   * @param hurry once it is aborted, nothing is waited for.
   */
  async turn<T>(take: () => readonly T[], hurry: AbortSignal): Promise<readonly T[]> {
    const before = this.#last;
    const { promise, resolve: over } = Promise.withResolvers<void>();
    this.#last = before.then(() => promise);
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    hurry.addEventListener("abort", abort);
    try {
      if (!hurry.aborted) await Promise.race([before, aborted.promise]);
      for (let wait = this.#wait(); wait > 0 && !hurry.aborted; wait = this.#wait()) {
        await this.#clock.sleep(wait, hurry).catch((error) => {
          if (!hurry.aborted) throw error;
        });
      }
      const taken = take();
      this.#free = Math.max(this.#free, this.#clock.monotonic()) + taken.length / this.#rate;
      return taken;
    } finally {
      hurry.removeEventListener("abort", abort);
      over();
    }
  }

  /** Whole milliseconds until more may be written. */
  #wait(): number {
    return Math.max(0, Math.floor(this.#free - this.#clock.monotonic()));
  }
}

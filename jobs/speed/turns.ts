/**
 * Folding shares one thread with answers: it is done in slices, and each is followed by a turn of
 * the event loop for everything else.
 *
 * @module
 */

import { type Clock, systemClock } from "@pipeline/runtime";

/** Milliseconds of folding between two turns of the event loop. */
export const SLICE = 5;

/** Options of {@linkcode Turns}. */
export interface TurnsOptions {
  /** Measures slices. The machine's clock by default. */
  readonly clock?: Pick<Clock, "monotonic">;
  /**
   * Lets the event loop go round. A timer by default: unlike `setImmediate`, it lets requests that
   * have arrived come first.
   */
  readonly pause?: () => Promise<void>;
}

/**
 * Takes turns for all folds of a process together: one piece of work at a time, in the order in
 * which they come, and never more than a slice without a turn of the event loop.
 */
export class Turns {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #pause: () => Promise<void>;
  /** Milliseconds of work since the last pause. */
  #used = 0;
  #last: Promise<void> = Promise.resolve();

  /** Makes a taker of turns, which folds share. */
  constructor({ clock = systemClock, pause = () => systemClock.sleep(0) }: TurnsOptions = {}) {
    this.#clock = clock;
    this.#pause = pause;
  }

  /**
   * Does synchronous work when it is its turn.
   *
   * @param work ends, to be continued in another turn, once `over()` is true. It need not ask often:
   * each time reads the clock.
   */
  run(work: (over: () => boolean) => void): Promise<void> {
    const turn = this.#last.then(() => this.#turn(work));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #turn(work: (over: () => boolean) => void): Promise<void> {
    if (this.#used >= SLICE) {
      await this.#pause();
      this.#used = 0;
    }
    const before = this.#clock.monotonic() - this.#used;
    try {
      work(() => this.#clock.monotonic() - before >= SLICE);
    } finally {
      this.#used = this.#clock.monotonic() - before;
    }
  }
}

/**
 * Set of changed items, each identified by index and reported once.
 *
 * @module
 */

import { grown } from "./_keys.ts";
import { Queue } from "./_queue.ts";

/** Tracks changes since the last call of `take`. */
export class Changes {
  #is = new Uint8Array(64);
  readonly #changed = new Queue<number>();

  /** Marks an item as changed. */
  touch(number: number): void {
    while (number >= this.#is.length) this.#is = grown(this.#is);
    if (this.#is[number] === 1) return;
    this.#is[number] = 1;
    this.#changed.push(number);
  }

  /** Marks the first `size` items as changed. */
  touchAll(size: number): void {
    for (let number = 0; number < size; number++) this.touch(number);
  }

  /** Number of items that {@linkcode take} has not returned. */
  get size(): number {
    return this.#changed.size;
  }

  /** At most `limit` of the items changed since they were last taken, by their first change. */
  take(limit = Infinity): number[] {
    const taken = this.#changed.take(limit);
    for (const number of taken) this.#is[number] = 0;
    return taken;
  }
}

/**
 * Set of changed items, each identified by index and reported once.
 *
 * @module
 */

import { grown } from "./_keys.ts";

/** Tracks changes since the last call of `take`. */
export class Changes {
  #is = new Uint8Array(64);
  readonly #changed: number[] = [];

  /** Marks an item as changed. */
  touch(number: number): void {
    while (number >= this.#is.length) this.#is = grown(this.#is);
    if (this.#is[number] === 1) return;
    this.#is[number] = 1;
    this.#changed.push(number);
  }

  /** The items changed since the last call, in the order of their first change. */
  take(): number[] {
    for (const number of this.#changed) this.#is[number] = 0;
    return this.#changed.splice(0);
  }
}

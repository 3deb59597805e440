/**
 * Which of many things changed, each told by number and remembered once.
 *
 * @module
 */

import { grown } from "./_keys.ts";

/** Remembers what changed since it was last asked. */
export class Changes {
  #is = new Uint8Array(64);
  readonly #changed: number[] = [];

  /** Notes that something changed. */
  touch(number: number): void {
    while (number >= this.#is.length) this.#is = grown(this.#is);
    if (this.#is[number] === 1) return;
    this.#is[number] = 1;
    this.#changed.push(number);
  }

  /** What changed since the last call, in the order of the first changes. */
  take(): number[] {
    for (const number of this.#changed) this.#is[number] = 0;
    return this.#changed.splice(0);
  }
}

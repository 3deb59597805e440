/**
 * Ranks by popularity: the Zipf-Mandelbrot law with exponent 1, where rank r (from 0) has the
 * weight 1 / (r + shift).
 *
 * @module
 */

import type { Random } from "./random.ts";

/** Draws ranks in constant time, by Walker's alias method in Vose's version. */
export class Zipf {
  readonly #threshold: Float64Array;
  readonly #alias: Uint32Array;

  /**
   * Computes the weights of all ranks.
   *
   * @param size number of ranks, at least 1.
   * @param shift flattens the head: 1 is Zipf's law itself. Greater than 0.
   */
  constructor(readonly size: number, shift = 1) {
    this.#threshold = new Float64Array(size);
    this.#alias = new Uint32Array(size);
    let total = 0;
    for (let rank = 0; rank < size; rank++) total += 1 / (rank + shift);
    const small: number[] = [];
    const large: number[] = [];
    for (let rank = 0; rank < size; rank++) {
      const scaled = size / (rank + shift) / total;
      this.#threshold[rank] = scaled;
      (scaled < 1 ? small : large).push(rank);
    }
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!;
      const rich = large.pop()!;
      this.#alias[poor] = rich;
      const left = this.#threshold[rich]! + this.#threshold[poor]! - 1;
      this.#threshold[rich] = left;
      (left < 1 ? small : large).push(rich);
    }
    for (const rank of [...small, ...large]) this.#threshold[rank] = 1;
  }

  /** A rank in [0, size). */
  sample(random: Random): number {
    const at = random.float() * this.size;
    const rank = Math.floor(at);
    return random.float() < this.#threshold[rank]! ? rank : this.#alias[rank]!;
  }
}

/**
 * The generator's source of randomness: the same seed and stream give the same numbers on every
 * machine. It uses exact arithmetic only (no `Math.pow`, `log` or `sin`, whose last bits may differ
 * between engines).
 *
 * @module
 */

/**
 * sfc32, the "small fast counting" generator of Chris Doty-Humphrey (PractRand,
 * public domain): 128 bits of state, a period of at least 2^32.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * Spreads the seed over the state.
   *
   * @param seed a safe integer.
   * @param stream a name; streams of one seed are independent of each other.
   */
  constructor(seed: number, stream = "") {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = fnv1a(stream);
    // Twelve rounds, as in PractRand, spread the seed over the whole state.
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const sum = (this.#a + this.#b | 0) + this.#counter | 0;
    this.#counter = this.#counter + 1 | 0;
    this.#a = this.#b ^ this.#b >>> 9;
    this.#b = this.#c + (this.#c << 3) | 0;
    this.#c = (this.#c << 21 | this.#c >>> 11) + sum | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  float(): number {
    return this.bits() * 2.3283064365386963e-10;
  }

  /** A uniform integer in [0, limit); `limit` up to 2^32. */
  below(limit: number): number {
    return Math.floor(this.bits() * 2.3283064365386963e-10 * limit);
  }

  /** True in `perMille` of 1,000 cases. */
  chance(perMille: number): boolean {
    return this.bits() < perMille * 4_294_967.296;
  }
}

/** FNV-1a, 32 bits, over UTF-16 units. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

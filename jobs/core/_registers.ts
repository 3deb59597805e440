/**
 * HyperLogLog registers, and the stored form of distinct counts (see `distinct.ts`).
 *
 * @module
 */

import { PipelineError } from "./errors.ts";

/** Number of bits of the hash that select the register. */
export const PRECISION = 12;

/** Largest set that is counted exactly. */
export const EXACT_LIMIT = 128;

const REGISTERS = 1 << PRECISION;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
const EXACT_FORM = new RegExp(`^x(?:[0-9a-f]{16}){1,${EXACT_LIMIT}}$`);
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGIT_CODES = [...DIGITS].map((digit) => digit.charCodeAt(0));
const decoder = new TextDecoder();
const DIGIT_VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** HyperLogLog: the greatest rank seen in each register. */
export class Registers {
  readonly #ranks = new Uint8Array(REGISTERS);
  /** The stored form, kept beside the ranks: it is requested far more often than it is parsed. */
  readonly #codes = new Uint8Array(REGISTERS).fill(DIGIT_CODES[0]!);
  /** Number of registers that hold each rank: the estimate depends on nothing else. */
  readonly #holders = new Uint16Array(54);

  constructor() {
    this.#holders[0] = REGISTERS;
  }

  /** Adds one rank. Returns false if nothing changed. */
  raise(register: number, rank: number): boolean {
    const before = this.#ranks[register]!;
    if (rank <= before) return false;
    this.#ranks[register] = rank;
    this.#codes[register] = DIGIT_CODES[rank]!;
    this.#holders[before]!--;
    this.#holders[rank]!++;
    return true;
  }

  /** Adds the ranks of all registers. */
  raiseAll(ranks: Iterable<number>): void {
    let register = 0;
    for (const rank of ranks) this.raise(register++, rank);
  }

  /** The stored form. */
  toString(): string {
    return `h${decoder.decode(this.#codes)}`;
  }

  /**
   * The estimated number of members. It sums by rank, so that rounding does not depend on the order
   * of additions.
   */
  estimate(): number {
    let sum = 0;
    for (let rank = 53; rank >= 0; rank--) sum += this.#holders[rank]! * 2 ** -rank;
    const raw = ALPHA * REGISTERS * REGISTERS / sum;
    const zeros = this.#holders[0]!;
    const linear = raw <= 2.5 * REGISTERS && zeros > 0;
    return Math.round(linear ? REGISTERS * Math.log(REGISTERS / zeros) : raw);
  }
}

/** Reads a stored form: hashes, or the rank of each register. Throws `corrupt` for anything else. */
export function readStored(stored: string): {
  readonly hashes: readonly string[];
  readonly ranks: readonly number[];
} {
  if (stored === "") return { hashes: [], ranks: [] };
  if (EXACT_FORM.test(stored)) {
    const hashes: string[] = [];
    for (let i = 1; i < stored.length; i += 16) hashes.push(stored.slice(i, i + 16));
    return { hashes, ranks: [] };
  }
  if (stored[0] !== "h" || stored.length !== REGISTERS + 1) throw corrupt(stored);
  const ranks: number[] = [];
  for (let i = 1; i <= REGISTERS; i++) {
    const rank = DIGIT_VALUES.get(stored[i]!) ?? 64;
    if (rank > 53) throw corrupt(stored);
    ranks.push(rank);
  }
  return { hashes: [], ranks };
}

function corrupt(stored: string): PipelineError {
  return new PipelineError("corrupt", `Not a stored distinct count: ${stored.slice(0, 40)}`);
}

/**
 * HyperLogLog once more, written from the paper with big integers: 4096 registers,
 * chosen by the first 12 bits of the hash.
 *
 * @module
 */

import { xxHash64 } from "./_xxhash64.ts";

const encoder = new TextEncoder();
const hashes = new Map<string, string>();

/** The hash as 64 binary digits. */
function bitsOf(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const bits = xxHash64(encoder.encode(text), 42n).toString(2).padStart(64, "0");
  hashes.set(text, bits);
  return bits;
}

/** The registers of a set of texts. */
export function registersOf(members: Iterable<string>): number[] {
  const registers = new Array<number>(4096).fill(0);
  for (const member of members) {
    const bits = bitsOf(member);
    const register = parseInt(bits.slice(0, 12), 2);
    const first = bits.indexOf("1", 12);
    registers[register] = Math.max(registers[register]!, first < 0 ? 53 : first - 11);
  }
  return registers;
}

/** The estimate: the harmonic mean, or linear counting where registers are empty and it is small. */
export function estimateOf(registers: readonly number[]): number {
  const m = registers.length;
  const sum = registers.reduce((sum, rank) => sum + 2 ** -rank, 0);
  const raw = (0.7213 / (1 + 1.079 / m)) * m * m / sum;
  const empty = registers.filter((rank) => rank === 0).length;
  return Math.round(raw <= 2.5 * m && empty > 0 ? m * Math.log(m / empty) : raw);
}

/**
 * Distinct counting: an exact set of hashes while it is small, HyperLogLog
 * registers from then on. A commutative, idempotent monoid under union; the form
 * depends only on the set that was added, never on the order.
 *
 * HyperLogLog after Flajolet, Fusy, Gandouet and Meunier (2007), 64-bit hashes,
 * precision 12: the register is the first 12 bits of the hash, the rank the
 * position of the first 1 among the other 52 (53 where there is none). The
 * estimate is the original one with linear counting below 2.5 registers' worth;
 * its standard error is 1.04 / sqrt(4096) = 1.6 %.
 *
 * Stored form: empty for the empty set; `x` and the sorted hashes, 16 hexadecimal
 * digits each; or `h` and one base64 digit a register (ranks fit in 6 bits).
 *
 * @module
 */

import { hashText } from "./hash.ts";
import { PipelineError } from "./errors.ts";

/** Bits of the hash that choose the register. */
export const PRECISION = 12;

/** Largest set that is kept exactly. */
export const EXACT_LIMIT = 128;

const REGISTERS = 1 << PRECISION;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
const EXACT_FORM = new RegExp(`^x(?:[0-9a-f]{16}){1,${EXACT_LIMIT}}$`);
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGIT_CODES = [...DIGITS].map((digit) => digit.charCodeAt(0));
const decoder = new TextDecoder();
const DIGIT_VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** A member of a distinct count: its hash, and what HyperLogLog needs of it. */
export class Member {
  /** 16 hexadecimal digits. */
  readonly hash: string;
  /** The hash's first 12 bits: 0 to 4095. */
  readonly register: number;
  /** The hash's other 52 bits. */
  readonly rest: number;
  /** Position of the first 1 in `rest`: 1 to 53. */
  readonly rank: number;

  /** Reads a hash of 16 hexadecimal digits. */
  constructor(hash: string) {
    this.hash = hash;
    this.register = parseInt(hash.slice(0, 3), 16);
    this.rest = parseInt(hash.slice(3), 16);
    const high = Math.floor(this.rest / 2 ** 32);
    this.rank = high > 0 ? Math.clz32(high) - 11 : 21 + Math.clz32(this.rest);
  }

  /** The member that a text stands for. */
  static of(text: string): Member {
    return new Member(hashText(text));
  }
}

/** A distinct count that members are added to. */
export class Distinct {
  readonly #members: Member[] = [];
  /** Of the members: numbers that lie side by side are searched far quicker than objects. */
  readonly #rests: number[] = [];
  #registers: Registers | undefined;
  /** The stored form, as long as it is that of the set. */
  #text: string | undefined;

  /** Adds a member. Returns false where that changed nothing. */
  add(member: Member): boolean {
    if (this.#registers !== undefined) {
      const raised = this.#registers.raise(member.register, member.rank);
      if (raised) this.#text = undefined;
      return raised;
    }
    const members = this.#members;
    const rests = this.#rests;
    const rest = member.rest;
    for (let i = 0; i < rests.length; i++) {
      if (rests[i] === rest && members[i]!.hash === member.hash) return false;
    }
    members.push(member);
    rests.push(rest);
    this.#text = undefined;
    if (rests.length > EXACT_LIMIT) this.#toRegisters();
    return true;
  }

  /** Adds all that a stored form holds. Throws `corrupt` for anything else. */
  addStored(stored: string): void {
    if (stored === "") return;
    if (EXACT_FORM.test(stored)) {
      for (let i = 1; i < stored.length; i += 16) this.add(new Member(stored.slice(i, i + 16)));
    } else if (stored[0] === "h" && stored.length === REGISTERS + 1) {
      const registers = this.#toRegisters();
      this.#text = undefined;
      for (let i = 0; i < REGISTERS; i++) {
        const rank = DIGIT_VALUES.get(stored[i + 1]!) ?? 64;
        if (rank > 53) throw corrupt(stored);
        registers.raise(i, rank);
      }
    } else {
      throw corrupt(stored);
    }
  }

  /** Whether nothing was added. */
  get empty(): boolean {
    return this.#members.length === 0 && this.#registers === undefined;
  }

  /** The number of members: exact up to {@linkcode EXACT_LIMIT}, then the estimate. */
  count(): number {
    if (this.#registers !== undefined) return this.#registers.estimate();
    return this.#members.length;
  }

  /** The stored form; equal sets have equal forms. */
  toString(): string {
    return this.#text ??= this.#stored();
  }

  #stored(): string {
    if (this.#registers !== undefined) {
      return this.#registers.toString();
    }
    if (this.#members.length === 0) return "";
    return `x${this.#members.map((member) => member.hash).sort().join("")}`;
  }

  #toRegisters(): Registers {
    if (this.#registers !== undefined) return this.#registers;
    const registers = new Registers();
    for (const { register, rank } of this.#members) registers.raise(register, rank);
    this.#members.length = this.#rests.length = 0;
    return this.#registers = registers;
  }
}

/** HyperLogLog: the greatest rank that was seen in each register. */
class Registers {
  readonly #ranks = new Uint8Array(REGISTERS);
  /** The stored form, kept beside the ranks: it is asked for far more often than it is read. */
  readonly #codes = new Uint8Array(REGISTERS).fill(DIGIT_CODES[0]!);
  /** How many registers hold each rank: all that the estimate depends on. */
  readonly #holders = new Uint16Array(54);

  constructor() {
    this.#holders[0] = REGISTERS;
  }

  raise(register: number, rank: number): boolean {
    const before = this.#ranks[register]!;
    if (rank <= before) return false;
    this.#ranks[register] = rank;
    this.#codes[register] = DIGIT_CODES[rank]!;
    this.#holders[before]!--;
    this.#holders[rank]!++;
    return true;
  }

  toString(): string {
    return `h${decoder.decode(this.#codes)}`;
  }

  /** Sums by rank, so that the order of additions, and with it rounding, is fixed. */
  estimate(): number {
    let sum = 0;
    for (let rank = 53; rank >= 0; rank--) sum += this.#holders[rank]! * 2 ** -rank;
    const raw = ALPHA * REGISTERS * REGISTERS / sum;
    const zeros = this.#holders[0]!;
    const linear = raw <= 2.5 * REGISTERS && zeros > 0;
    return Math.round(linear ? REGISTERS * Math.log(REGISTERS / zeros) : raw);
  }
}

/** The number of members of the union of stored forms. */
export function countUnion(stored: Iterable<string>): number {
  const union = new Distinct();
  for (const form of stored) union.addStored(form);
  return union.count();
}

function corrupt(stored: string): PipelineError {
  return new PipelineError("corrupt", `Not a stored distinct count: ${stored.slice(0, 40)}`);
}

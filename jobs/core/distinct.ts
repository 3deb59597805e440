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

import { EXACT_LIMIT, readStored, Registers } from "./_registers.ts";
import { hashText } from "./hash.ts";

export { EXACT_LIMIT, PRECISION } from "./_registers.ts";

/** A member of a distinct count: its hash, and the parts of it that HyperLogLog needs. */
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

  /** The member that represents a text. */
  static of(text: string): Member {
    return new Member(hashText(text));
  }
}

/** A distinct count to which members are added. */
export class Distinct {
  readonly #members: Member[] = [];
  /** `rest` of the members: contiguous numbers are searched far faster than objects. */
  readonly #rests: number[] = [];
  #registers: Registers | undefined;
  /** Cached stored form, until the set changes. */
  #text: string | undefined;

  /** Adds a member. Returns false if nothing changed. */
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

  /** Adds all members of a stored form. Throws `corrupt` for anything else. */
  addStored(stored: string): void {
    const read = readStored(stored);
    for (const hash of read.hashes) this.add(new Member(hash));
    if (read.ranks.length === 0) return;
    this.#toRegisters().raiseAll(read.ranks);
    this.#text = undefined;
  }

  /** Whether the set is empty. */
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

/** The number of members of the union of stored forms. */
export function countUnion(stored: Iterable<string>): number {
  const union = new Distinct();
  for (const form of stored) union.addStored(form);
  return union.count();
}

/**
 * Distinct counts within one state: many small sets of numbers in one array. Members are numbered,
 * so that all sets share their hashes. The stored form is that of `Distinct`.
 *
 * @module
 */

import { grown } from "./_keys.ts";
import { EXACT_LIMIT, readStored, Registers } from "./_registers.ts";
import { Member } from "./distinct.ts";
import { hashText } from "./hash.ts";

/** Numbers members, by hash. */
export class MemberTable {
  readonly #numbers = new Map<string, number>();
  readonly #hashes: string[] = [];
  /** Register and rank. */
  #places = new Int32Array(16);

  /** The number of the member that a text stands for. */
  of(text: string): number {
    return this.ofHash(hashText(text));
  }

  /** The number of a hash of 16 hexadecimal digits. */
  ofHash(hash: string): number {
    const known = this.#numbers.get(hash);
    if (known !== undefined) return known;
    const number = this.#hashes.push(hash) - 1;
    this.#numbers.set(hash, number);
    if (number === this.#places.length) this.#places = grown(this.#places);
    const { register, rank } = new Member(hash);
    this.#places[number] = register << 6 | rank;
    return number;
  }

  /** The hash with a number. */
  hash(number: number): string {
    return this.#hashes[number]!;
  }

  /** Raises the register that a member falls into. */
  raise(registers: Registers, number: number): boolean {
    const place = this.#places[number]!;
    return registers.raise(place >> 6, place & 63);
  }
}

/** Logarithm of a set's initial number of slots; at most three of four are occupied. */
const FIRST = 2;
/** Stored instead of the logarithm: the set is kept in registers. */
const IN_REGISTERS = 31;

/** Sets of members. Sets and members are identified by index. */
export class MemberSets {
  readonly #members: MemberTable;
  /** The slots of all sets, contiguous per set: a member + 1, or 0. */
  #slots = new Int32Array(16);
  #end = 0;
  /** Pairs: the start of a set's slots; its number of members, and the logarithm of its slots. */
  #sets = new Int32Array(16);
  #size = 0;
  /** Slots that sets have outgrown, by logarithm. */
  readonly #free: number[][] = [];
  readonly #registers: (Registers | undefined)[] = [];
  /** Cached stored forms, until the set changes. */
  readonly #texts: (string | undefined)[] = [];

  /** Creates a container for sets of a table's members. */
  constructor(members: MemberTable) {
    this.#members = members;
  }

  /** Adds an empty set. */
  make(): number {
    const set = this.#size++;
    if (2 * this.#size > this.#sets.length) this.#sets = grown(this.#sets);
    this.#sets[2 * set] = this.#allocate(FIRST);
    this.#sets[2 * set + 1] = FIRST;
    return set;
  }

  /** Adds a member to a set. Returns false if the set is unchanged. */
  add(set: number, member: number): boolean {
    const state = this.#sets[2 * set + 1]!;
    const bits = state & 31;
    if (bits === IN_REGISTERS) {
      if (!this.#members.raise(this.#registers[set]!, member)) return false;
    } else {
      const slot = this.#slot(this.#sets[2 * set]!, bits, member);
      if (this.#slots[slot] !== 0) return false;
      this.#slots[slot] = member + 1;
      const length = (state >> 5) + 1;
      this.#sets[2 * set + 1] = length << 5 | bits;
      if (length > EXACT_LIMIT) this.#toRegisters(set);
      else if (4 * length > 3 << bits) this.#spread(set, bits);
    }
    if (set < this.#texts.length) this.#texts[set] = undefined;
    return true;
  }

  /** Adds all members of a stored form. Throws `corrupt` for anything else. */
  addStored(set: number, stored: string): void {
    const { hashes, ranks } = readStored(stored);
    for (const hash of hashes) this.add(set, this.#members.ofHash(hash));
    if (ranks.length === 0) return;
    this.#toRegisters(set).raiseAll(ranks);
    if (set < this.#texts.length) this.#texts[set] = undefined;
  }

  /** Whether a set has no members. */
  isEmpty(set: number): boolean {
    return this.#sets[2 * set + 1]! >> 5 === 0;
  }

  /** The number of members, as `Distinct` counts them. */
  count(set: number): number {
    return this.#registers[set]?.estimate() ?? this.#sets[2 * set + 1]! >> 5;
  }

  /** The stored form; equal sets have equal forms. */
  text(set: number): string {
    while (this.#texts.length <= set) this.#texts.push(undefined);
    return this.#texts[set] ??= this.#stored(set);
  }

  #stored(set: number): string {
    const registers = this.#registers[set];
    if (registers !== undefined) return registers.toString();
    const hashes = this.#list(set).map((member) => this.#members.hash(member));
    return hashes.length === 0 ? "" : `x${hashes.sort().join("")}`;
  }

  #list(set: number): number[] {
    const start = this.#sets[2 * set]!;
    const end = start + (1 << (this.#sets[2 * set + 1]! & 31));
    const members: number[] = [];
    for (let i = start; i < end; i++) if (this.#slots[i] !== 0) members.push(this.#slots[i]! - 1);
    return members;
  }

  /** The slot of a member, or the free one that it would occupy. */
  #slot(start: number, bits: number, member: number): number {
    const slots = this.#slots;
    const mask = (1 << bits) - 1;
    let i = Math.imul(member, 0x9e3779b1) >>> (32 - bits);
    for (; slots[start + i] !== 0; i = (i + 1) & mask) {
      if (slots[start + i] === member + 1) break;
    }
    return start + i;
  }

  #spread(set: number, bits: number): void {
    const members = this.#list(set);
    this.#leave(this.#sets[2 * set]!, bits);
    const start = this.#sets[2 * set] = this.#allocate(bits + 1);
    this.#sets[2 * set + 1]!++;
    for (const member of members) this.#slots[this.#slot(start, bits + 1, member)] = member + 1;
  }

  #toRegisters(set: number): Registers {
    const known = this.#registers[set];
    if (known !== undefined) return known;
    const registers = new Registers();
    for (const member of this.#list(set)) this.#members.raise(registers, member);
    this.#leave(this.#sets[2 * set]!, this.#sets[2 * set + 1]! & 31);
    this.#sets[2 * set + 1] = 1 << 5 | IN_REGISTERS;
    return this.#registers[set] = registers;
  }

  #allocate(bits: number): number {
    const left = this.#free[bits]?.pop();
    if (left !== undefined) return left;
    const start = this.#end;
    this.#end += 1 << bits;
    while (this.#end > this.#slots.length) this.#slots = grown(this.#slots);
    return start;
  }

  #leave(start: number, bits: number): void {
    this.#slots.fill(0, start, start + (1 << bits));
    (this.#free[bits] ??= []).push(start);
  }
}

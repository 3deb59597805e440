/**
 * Identifiers as bytes, and tables that number them. A fold looks up several per record; bytes need
 * no string, and a table of numbers holds nothing that the garbage collector traces.
 *
 * @module
 */

import { nameKey } from "./names.ts";

/** The bytes that names are compared by: those of {@linkcode nameKey}, which changes none beyond ASCII. */
export const FOLDED: Uint8Array = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte < 0x80 ? nameKey(String.fromCharCode(byte)).charCodeAt(0) : byte,
);

/** A view on an identifier's bytes in the input. It is reused: tables copy the bytes that they keep. */
export class Key {
  /** The buffer that holds the identifier. */
  bytes: Uint8Array = NOTHING;
  /** Offset of the first byte. */
  start = 0;
  /** Offset after the last byte. */
  end = 0;
  /** {@linkcode mix} over its bytes, {@linkcode FOLDED}: one hash serves ids and names. */
  hash = START_HASH;
  /** Buffer for texts that are set: the input's buffer is never written to. */
  #own = NOTHING;
  #folded = NOTHING;

  /** Sets the key from a text. */
  set(text: string): this {
    // Three bytes per UTF-16 unit always suffice.
    if (this.#own.length < text.length * 3) this.#own = new Uint8Array(text.length * 3 + 100);
    const bytes = this.bytes = this.#own;
    this.start = 0;
    this.end = text.length;
    this.hash = START_HASH;
    // Most are ASCII, which a short loop encodes faster.
    let hash = START_HASH;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return this.#encode(text);
      bytes[i] = unit;
      hash = mix(hash, FOLDED[unit]!);
    }
    this.hash = hash;
    return this;
  }

  #encode(text: string): this {
    this.end = encoder.encodeInto(text, this.bytes).written;
    for (let i = 0; i < this.end; i++) {
      this.hash = mix(this.hash, FOLDED[this.bytes[i]!]!);
    }
    return this;
  }

  /** Whether the key equals `known`, as far as that can be decided without making a string. */
  is(known: string): boolean {
    const { bytes, start } = this;
    if (known.length !== this.end - start) return false;
    for (let i = 0; i < known.length; i++) {
      const byte = bytes[start + i]!;
      if (byte > 0x7f || known.charCodeAt(i) !== byte) return false;
    }
    return true;
  }

  /** The bytes, {@linkcode FOLDED}. The next call overwrites them. */
  folded(): Uint8Array {
    const { bytes, start, end } = this;
    const length = end - start;
    if (this.#folded.length < length) this.#folded = new Uint8Array(length + 100);
    for (let i = 0; i < length; i++) this.#folded[i] = FOLDED[bytes[start + i]!]!;
    return this.#folded.subarray(0, length);
  }

  /** The text. */
  toString(): string {
    return decoder.decode(this.bytes.subarray(this.start, this.end));
  }
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Initial hash (FNV-1a, 32 bits). */
export const START_HASH = 0x811c9dc5 | 0;

/** A hash with one more byte in it. */
export function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** Slots are pairs: the hash, and the number + 1; at most two of three are occupied. */
const FIRST_SLOTS = 8;

/** Numbers identifiers from 0 on, in the order of their arrival. */
export class KeyTable {
  readonly #names: boolean;
  #slots = new Int32Array(2 * FIRST_SLOTS);
  #taken = 0;
  #size = 0;
  /** The bytes of all identifiers, concatenated. */
  #bytes = new Uint8Array(64);
  /** Start of each identifier, and of the next one to be added. */
  #starts = new Uint32Array(16);

  /** @param options.names whether identifiers are equal if they are equal {@linkcode FOLDED}. */
  constructor({ names = false }: { readonly names?: boolean } = {}) {
    this.#names = names;
  }

  /** How many numbers are assigned. */
  get size(): number {
    return this.#size;
  }

  /** How many of them {@linkcode find} can find. */
  get found(): number {
    return this.#taken;
  }

  /** The number of an identifier, or -1. */
  find(key: Key): number {
    return this.#slots[this.#slot(key) + 1]! - 1;
  }

  /** Numbers an identifier that {@linkcode find} does not find. */
  add(key: Key): number {
    if (3 * (this.#taken + 1) > this.#slots.length) this.#spread();
    const slot = this.#slot(key);
    const number = this.append(key);
    this.#slots[slot] = key.hash;
    this.#slots[slot + 1] = number + 1;
    this.#taken++;
    return number;
  }

  /**
   * Assigns a number that {@linkcode find} does not find, for entries identified by more than an
   * id.
   */
  append({ bytes, start, end }: Key): number {
    const number = this.#size++;
    if (this.#size === this.#starts.length) this.#starts = grown(this.#starts);
    let at = this.#starts[number]!;
    const until = at + end - start;
    while (until > this.#bytes.length) this.#bytes = grown(this.#bytes);
    for (let i = start; i < end; i++) this.#bytes[at++] = bytes[i]!;
    this.#starts[this.#size] = until;
    return number;
  }

  /** Compares a spelling with the stored one, by bytes: both have the same length. */
  compare(number: number, { bytes, start, end }: Key): number {
    const held = this.#bytes;
    let at = this.#starts[number]!;
    for (let i = start; i < end; i++, at++) {
      if (held[at] !== bytes[i]) return bytes[i]! - held[at]!;
    }
    return 0;
  }

  /** Replaces the stored spelling by another one of the same name. */
  replace(number: number, { bytes, start, end }: Key): void {
    this.#bytes.set(bytes.subarray(start, end), this.#starts[number]!);
  }

  /** The identifier with a number. */
  text(number: number): string {
    return decoder.decode(this.#bytes.subarray(this.#starts[number]!, this.#starts[number + 1]!));
  }

  /** Reads many identifiers, several times as fast as {@linkcode text}. */
  reader(): (number: number) => string {
    const [bytes, starts] = [this.#bytes.subarray(0, this.#starts[this.#size]!), this.#starts];
    const all = decoder.decode(bytes);
    // If all are ASCII, character offsets equal byte offsets.
    if (all.length !== bytes.length) return (number) => this.text(number);
    return (number) => all.slice(starts[number]!, starts[number + 1]!);
  }

  /** The slot of an identifier, or the free one that it would occupy. */
  #slot(key: Key): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = key.hash;
    let slot = placeOf(hash) & mask;
    while (slots[slot + 1] !== 0) {
      if (slots[slot] === hash && this.#holds(slots[slot + 1]! - 1, key)) break;
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  #holds(number: number, { bytes, start, end }: Key): boolean {
    const held = this.#bytes;
    let at = this.#starts[number]!;
    if (this.#starts[number + 1]! - at !== end - start) return false;
    for (let i = start; i < end; i++, at++) {
      if (held[at] === bytes[i]) continue;
      if (!this.#names || FOLDED[held[at]!] !== FOLDED[bytes[i]!]) return false;
    }
    return true;
  }

  #spread(): void {
    const before = this.#slots;
    const slots = new Int32Array(2 * before.length);
    const mask = slots.length - 1;
    for (let i = 0; i < before.length; i += 2) {
      if (before[i + 1] === 0) continue;
      let slot = placeOf(before[i]!) & mask;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = before[i]!;
      slots[slot + 1] = before[i + 1]!;
    }
    this.#slots = slots;
  }
}

/** An even number whose low bits depend on the whole hash. */
function placeOf(hash: number): number {
  const folded = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (folded ^ (folded >>> 13)) << 1;
}

/** A copy with room for half as much again. */
export function grown<T extends Columns>(column: T): T {
  const copy = new (column.constructor as new (length: number) => T)(
    column.length + (column.length >> 1) + 16,
  );
  copy.set(column);
  return copy;
}

/** The arrays that columns are kept in. */
type Columns = Uint8Array | Int32Array | Uint32Array | Float64Array;

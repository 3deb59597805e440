/**
 * Names by number: found by their keys, each with its latest spelling.
 *
 * @module
 */

import { grown, type Key, KeyTable } from "./_keys.ts";
import { nameKey, type Spelling } from "./names.ts";

/** Numbers names of one kind. */
export class NameTable {
  readonly #ids = new KeyTable({ names: true });
  /** Cache, filled on demand. */
  readonly #keys: (string | undefined)[] = [];
  /** Time of each spelling; -1 if no record wrote one. */
  #written = new Float64Array(16);

  /** Number of names. */
  get size(): number {
    return this.#ids.size;
  }

  /** The number of a name, or -1. */
  find(key: Key): number {
    return this.#ids.find(key);
  }

  /** Numbers a name that {@linkcode find} does not find and no record has written yet. */
  add(key: Key): number {
    const number = this.#ids.add(key);
    if (number >= this.#written.length) this.#written = grown(this.#written);
    this.#written[number] = -1;
    return number;
  }

  /** Keeps the later of two spellings. Returns false if nothing changed. */
  write(number: number, key: Key, timestamp: number): boolean {
    const known = this.#written[number]!;
    if (timestamp < known) return false;
    const order = this.#ids.compare(number, key);
    if (timestamp === known && order <= 0) return false;
    if (order !== 0) this.#ids.replace(number, key);
    this.#written[number] = timestamp;
    return true;
  }

  /** The name's key. */
  key(number: number): string {
    return this.#keys[number] ??= nameKey(this.#ids.text(number));
  }

  /** Whether a record wrote it. */
  isWritten(number: number): boolean {
    return this.#written[number]! >= 0;
  }

  /** How the name is shown. */
  spelling(number: number): Spelling {
    const name_timestamp = this.#written[number]!;
    return { name: name_timestamp < 0 ? "" : this.#ids.text(number), name_timestamp };
  }
}

/**
 * Whether the answers of a round suffice, so that a slow source need not be awaited for long.
 *
 * @module
 */

import { partitionName } from "@pipeline/core";
import type { PartAnswer } from "@pipeline/protocol";

/** The parts that a source held when it answered last, by name, with their next offsets. */
export type Held = ReadonlyMap<string, number>;

/** The parts of an answer, with their next offsets. */
export function heldIn(parts: readonly PartAnswer[]): Held {
  return new Map(
    parts.map((part) => [partitionName(part.topic, part.partition), part.next_offset]),
  );
}

/**
 * The parts that one round should find. They are covered once each source that never answered
 * before has answered, and each part has an answer that has folded at least as much as any source
 * had before. So a slow source is awaited as long as it may hold a part that no other has, and a
 * frozen part is no substitute for the one that continued.
 */
export class Coverage<S> {
  readonly #unknown: Set<S>;
  readonly #missing = new Map<string, number>();

  /** Begins a round: what each source held before, `undefined` if that is unknown. */
  constructor(sources: Iterable<readonly [S, Held | undefined]>) {
    this.#unknown = new Set();
    for (const [source, held] of sources) {
      if (held === undefined) this.#unknown.add(source);
      for (const [part, offset] of held ?? []) {
        this.#missing.set(part, Math.max(offset, this.#missing.get(part) ?? 0));
      }
    }
  }

  /** Whether the answers so far suffice. */
  get isComplete(): boolean {
    return this.#unknown.size === 0 && this.#missing.size === 0;
  }

  /** Adds the answers of a source; none if it failed. */
  add(source: S, parts: readonly PartAnswer[]): void {
    this.#unknown.delete(source);
    for (const [part, offset] of heldIn(parts)) {
      if (offset >= (this.#missing.get(part) ?? Infinity)) this.#missing.delete(part);
    }
  }
}

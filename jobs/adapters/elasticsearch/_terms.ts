/**
 * Recognises shards that may have lost operations that they had acknowledged.
 *
 * @module
 */

/** Where a shard has put an operation. */
export interface Position {
  /** Rises whenever another copy becomes the primary, or the primary is allocated anew. */
  readonly term: number;
  /** Rises with every operation of a shard, and begins anew in a new index. */
  readonly seq: number;
}

/** What is known of a shard. */
interface Known {
  readonly term: number;
  readonly seq: number;
  readonly lost: boolean;
}

/** Terms and sequence numbers of shards, each the only one of its index. */
export class Terms {
  readonly #known = new Map<string, Known>();

  /** Notes where an operation was put; in any order. */
  note(index: string, { term, seq }: Position): void {
    const known = this.#known.get(index);
    if (known === undefined) this.#known.set(index, { term, seq, lost: false });
    else if (known.term !== term) this.#known.set(index, { ...known, lost: true });
    else if (seq > known.seq) this.#known.set(index, { ...known, seq });
  }

  /** The greatest noted sequence number; -1 if there is none. */
  greatest(index: string): number {
    return this.#known.get(index)?.seq ?? -1;
  }

  /**
   * Whether operations may have been lost since the last check, or since the first note: another
   * copy is the primary, or the index is another one.
   *
   * @param after {@linkcode greatest} of the moment at which the operation at `position` was sent.
   */
  check(index: string, position: Position, after: number): boolean {
    const known = this.#known.get(index);
    this.#known.set(index, { ...position, lost: false });
    return known !== undefined &&
      (known.lost || known.term !== position.term || position.seq <= after);
  }
}

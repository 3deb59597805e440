/**
 * A queue in memory, from whose front any number of items is taken at a cost that grows with what is
 * taken, not with what remains.
 *
 * @module
 */

/** Taken slots at the front below which they are not given up. */
const SLACK = 1_024;

/** Items, first in, first out. */
export class Queue<T> {
  readonly #items: T[] = [];
  /** Index of the first item; the slots before it are of items that were taken. */
  #head = 0;

  /** Number of items. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes at most `limit` items from the front. */
  take(limit = Infinity): T[] {
    const items = this.#items;
    const taken = items.slice(this.#head, this.#head + limit);
    this.#head += taken.length;
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head >= SLACK && this.#head * 2 >= items.length) {
      // Moves at most as many items as were taken since the last time.
      items.copyWithin(0, this.#head);
      items.length -= this.#head;
      this.#head = 0;
    }
    return taken;
  }
}

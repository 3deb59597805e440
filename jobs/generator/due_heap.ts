/**
 * A queue in the order of due times: a binary heap.
 *
 * @module
 */

interface Held<T> {
  readonly due: number;
  readonly order: number;
  readonly item: T;
}

/** Returns the items in the order in which they are due; equal ones in the order of insertion. */
export class DueHeap<T> {
  readonly #heap: Held<T>[] = [];
  #added = 0;

  /** When the first item is due; `undefined` if empty. */
  get due(): number | undefined {
    return this.#heap[0]?.due;
  }

  add(due: number, item: T): void {
    const held = { due, order: this.#added++, item };
    let at = this.#heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(this.#heap[parent]!, held)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = held;
  }

  /** Removes and returns the first item; `undefined` if empty. */
  take(): T | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first?.item;
    const size = this.#heap.length;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (before(last, this.#heap[child]!)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
    return first.item;
  }
}

function before<T>(a: Held<T>, b: Held<T>): boolean {
  return a.due < b.due || a.due === b.due && a.order < b.order;
}

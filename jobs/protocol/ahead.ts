/**
 * Ordered work on many small files: the next ones are read while one is processed.
 *
 * @module
 */

/** Files that are read at the same time. */
const AHEAD = 16;

/**
 * Calls `work` for every item, a few at a time, and yields the results in the order of the items.
 * After an error no further call is started.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const running: Promise<R>[] = [];
  for (const item of items) {
    const promise = work(item);
    // It may reject while the reader is still busy with an earlier item; the error surfaces in its
    // turn.
    promise.catch(() => {});
    running.push(promise);
    if (running.length >= AHEAD) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}

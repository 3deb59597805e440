/**
 * Partial selection: the first few of many items.
 *
 * @module
 */

/** Items beyond the wanted ones that are kept before the next cut. */
const SLACK = 64;

/**
 * The first `limit` items in an order, as a stable sort of all of them would begin: n items take
 * O(n log limit).
 */
export function firstOf<T>(
  items: Iterable<T>,
  limit: number,
  compare: (a: T, b: T) => number,
): T[] {
  const kept: T[] = [];
  let last: T | undefined;
  for (const item of items) {
    if (last !== undefined && compare(item, last) >= 0) continue;
    kept.push(item);
    if (kept.length < 2 * limit + SLACK) continue;
    kept.sort(compare).length = limit;
    last = kept[limit - 1];
  }
  return kept.sort(compare).slice(0, limit);
}

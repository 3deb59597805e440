/**
 * Waits that are as long as they must be: a busy machine takes its time, and only what is wrong takes all of it.
 *
 * @module
 */

/**
 * Tries an assertion again until it holds.
 *
 * @param timeout milliseconds after which its error is thrown.
 */
export async function eventually<T>(check: () => T | Promise<T>, timeout = 60_000): Promise<T> {
  const end = performance.now() + timeout;
  for (let wait = 1;; wait = Math.min(wait * 2, 200)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await pause(wait);
    }
  }
}

/** Waits some milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

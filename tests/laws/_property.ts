/**
 * Running properties, and showing that they can fail.
 *
 * A failure prints its seed and path. To replay it, put both into {@linkcode REPLAY}.
 *
 * @module
 */

import { AssertionError, assertMatch } from "@std/assert";
import fc from "fast-check";

/** For example `{ seed: -1234, path: "17:0:3" }`. */
const REPLAY: { seed?: number; path?: string } = {};

/** Asserts that a property holds for `runs` random cases. */
export function assertHolds<T>(property: fc.IProperty<T>, runs = 300): void {
  fc.assert(property, { numRuns: runs, ...REPLAY });
}

/** {@linkcode assertHolds} for what is asynchronous. */
export async function assertHoldsAsync<T>(
  property: fc.IAsyncProperty<T>,
  runs = 300,
): Promise<void> {
  await fc.assert(property, { numRuns: runs, ...REPLAY });
}

/**
 * Asserts that a property with a rule broken on purpose has a counterexample among as
 * many cases. The seed is fixed: this tests the property, not luck.
 */
export function assertBroken<T>(property: fc.IProperty<T>, runs = 300): void {
  const result = fc.check(property, { numRuns: runs, seed: 42, endOnFailure: true });
  if (!result.failed) throw new AssertionError(`The broken rule went unseen in ${runs} cases`);
  const error = result.errorInstance;
  if (!(error instanceof AssertionError)) throw error;
}

/** {@linkcode assertBroken} for what is asynchronous; the failure reports what was broken. */
export async function assertBrokenAsync<T>(
  property: fc.IAsyncProperty<T>,
  { runs = 300, message }: { readonly runs?: number; readonly message: RegExp },
): Promise<void> {
  const result = await fc.check(property, { numRuns: runs, seed: 42, endOnFailure: true });
  if (!result.failed) throw new AssertionError(`The broken rule went unseen in ${runs} cases`);
  const error = result.errorInstance;
  if (!(error instanceof AssertionError)) throw error;
  assertMatch(error.message, message);
}

import { AssertionError as NodeAssertionError } from "node:assert";
import { failWith, show } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/** What `assertArrayIncludes` takes. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Throws unless both are deeply equal. */
export function assertEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
  options: { formatter?: (value: unknown) => string } = {},
): void {
  if (equal(actual, expected)) return;
  const { formatter } = options;
  const difference = formatter
    ? `\nactual: ${formatter(actual)}\nexpected: ${formatter(expected)}`
    : new NodeAssertionError({ actual, expected, operator: "deepStrictEqual" }).message;
  failWith("Values are not equal.", `${msg ? `${msg}\n` : ""}${difference}`);
}

/** Throws if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  failWith(`Expected actual: ${show(actual)} not to be: ${show(expected)}.`, msg);
}

/** Throws unless both are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  failWith(`Values are not strictly equal: ${show(actual)} and ${show(expected)}.`, msg);
}

/** Throws if both are the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  failWith(`Expected "actual" to not be strictly equal to: ${show(actual)}.`, msg);
}

/** Throws unless the numbers differ by at most the tolerance, 1e-7 of the expected one by default. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const limit = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= limit) return;
  failWith(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${limit}".`,
    msg,
  );
}

/** Throws unless actual > expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  failWith(`Expect ${show(actual)} > ${show(expected)}.`, msg);
}

/** Throws unless actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  failWith(`Expect ${show(actual)} >= ${show(expected)}.`, msg);
}

/** Throws unless actual < expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  failWith(`Expect ${show(actual)} < ${show(expected)}.`, msg);
}

/** Throws unless actual <= expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  failWith(`Expect ${show(actual)} <= ${show(expected)}.`, msg);
}

/** Throws unless each expected element deeply equals one of actual's. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const elements = Array.from(actual);
  const missing = Array.from(expected).filter((e) => !elements.some((a) => equal(a, e)));
  if (missing.length === 0) return;
  failWith(
    `Expected actual: ${show(actual)} to include: ${show(expected)}.\nmissing: ${show(missing)}`,
    msg,
  );
}

/** Throws unless actual has everything expected has, deeply. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(matching(actual, expected), matching(expected, expected), msg);
}

// The part of `actual` that `expected` speaks of, as plain objects and arrays.
function matching(actual: unknown, expected: unknown): unknown {
  if (!isContainer(actual) || !isContainer(expected)) return actual;
  if (actual instanceof Map && expected instanceof Map) {
    const shared = [...actual].filter(([key]) => expected.has(key));
    return new Map(shared.map(([key, value]) => [key, matching(value, expected.get(key))]));
  }
  if (actual instanceof Set && expected instanceof Set) {
    return new Set([...actual].filter((value) => expected.has(value)));
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return actual;
  const keys = Reflect.ownKeys(expected).filter((key) => key in actual && key !== "length");
  return Object.fromEntries(
    keys.map((key) => [key, matching(Reflect.get(actual, key), Reflect.get(expected, key))]),
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof Date || value instanceof RegExp);
}

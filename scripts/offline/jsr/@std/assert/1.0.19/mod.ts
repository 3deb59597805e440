/**
 * Stand-in for `jsr:@std/assert`, used only where JSR cannot be reached.
 *
 * @module
 */

export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export * from "./comparisons.ts";
export * from "./errors.ts";
export * from "./values.ts";

/**
 * Numbers, as JSON numbers or as text: a producer with a table in between may have converted one
 * into the other.
 *
 * @module
 */

/** Text in the form of a JSON number. */
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number, or text in the form of a JSON number; else `undefined`. */
export function parseNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;
}

/**
 * Reads an integer that a double holds exactly: a number, or the text of one. A fraction of zeros
 * is accepted.
 *
 * @returns `undefined` for anything else, including a boolean.
 */
export function parseInteger(value: unknown): number | undefined {
  const number = parseNumber(value);
  // `-0` would be written as `0`: one value must have one form.
  return Number.isSafeInteger(number) ? number! + 0 : undefined;
}

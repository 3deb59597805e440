/**
 * Numbers, as JSON has them or as text: whoever wrote a record with a table in between may
 * have made one of the other.
 *
 * @module
 */

/** A number of JSON, as text. */
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number, or text that is one in the form that JSON has for it; else `undefined`. */
export function parseNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;
}

/**
 * Reads an integer that a double holds exactly: a number, or the text of one. A fraction of zeros
 * is none.
 *
 * @returns `undefined` for anything else, also a boolean.
 */
export function parseInteger(value: unknown): number | undefined {
  const number = parseNumber(value);
  // `-0` would be written as `0`: one value must have one form.
  return Number.isSafeInteger(number) ? number! + 0 : undefined;
}

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseInteger } from "./numbers.ts";

const VALID: [value: unknown, integer: number][] = [
  [7, 7],
  [-7, -7],
  ["7", 7],
  ["-7", -7],
  ["7.0", 7],
  ["7.000", 7],
  ["1e3", 1000],
  ["1.2E+1", 12],
  ["9007199254740991", 9_007_199_254_740_991],
];
for (const [value, integer] of VALID) {
  Deno.test(`parseInteger() reads ${Deno.inspect(value)}`, () => {
    assertEquals(parseInteger(value), integer);
  });
}

const INVALID = [
  ...[true, false, null, undefined, [], [7], {}, NaN, Infinity, 0.5, 2 ** 53, -(2 ** 53), 7n],
  ...["", " ", "7 ", " 7", "+7", "0x7", "7.5", "7,0", "1_000", "seven", "true", "NaN", "7."],
  ...["9007199254740992", "9007199254740993", "1e999"],
];
for (const value of INVALID) {
  Deno.test(`parseInteger() refuses ${Deno.inspect(value)}`, () => {
    assertEquals(parseInteger(value), undefined);
  });
}

Deno.test("parseInteger() reads -0 as 0, so that one value has one form", () => {
  for (const value of [-0, "-0", "-0.0"]) assert(Object.is(parseInteger(value), 0));
});

Deno.test("parseInteger() reads a number and its text alike", () => {
  fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.double()), (value) => {
    assertEquals(parseInteger(JSON.stringify(value)), parseInteger(value));
  }));
});

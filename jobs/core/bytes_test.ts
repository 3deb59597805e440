import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalBytes, canonicalJson, compareUtf8 } from "./bytes.ts";

const encoder = new TextEncoder();

function compareBytes(a: string, b: string): number {
  const [x, y] = [encoder.encode(a), encoder.encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i]! - y[i]!;
  }
  return x.length - y.length;
}

/** Text with frequent characters whose order differs between UTF-8 and UTF-16. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "\u{7f}", "\u{7ff}", "\ud7ff", "\ue000", "\uffee", "🎈"),
  }),
);

Deno.test("compareUtf8() orders text as its UTF-8 bytes", () => {
  fc.assert(fc.property(text, text, (a, b) => {
    assertEquals(Math.sign(compareUtf8(a, b)), Math.sign(compareBytes(a, b)));
  }));
});

Deno.test("compareUtf8() differs from < where a surrogate meets the end of the basic plane", () => {
  assert("\uffee" > "🎈");
  assert(compareUtf8("\uffee", "🎈") < 0);
  assert(compareUtf8("🎈", "🎉") < 0);
  assert(compareUtf8("ab", "a") > 0);
  assertEquals(compareUtf8("é", "é"), 0);
});

Deno.test("canonicalJson() gives equal values equal bytes, whatever the order of keys", () => {
  fc.assert(fc.property(fc.dictionary(text, fc.jsonValue()), (value) => {
    const reversed = Object.fromEntries(Object.entries(value).reverse());
    assertEquals(canonicalJson(value), canonicalJson(reversed));
    assertEquals(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("canonicalJson() sorts keys at every level by UTF-8 and writes no white space", () => {
  const value = { b: [{ d: 1, c: null }, "x y"], "🎈": true, "\uffee": -1.5, a: '\u2028"' };
  assertEquals(
    canonicalJson(value),
    '{"a":"\u2028\\"","b":[{"c":null,"d":1},"x y"],"\uffee":-1.5,"🎈":true}',
  );
  assertEquals(canonicalBytes(value), encoder.encode(canonicalJson(value)));
});

Deno.test("canonicalJson() leaves out undefined members and keeps those named like prototypes", () => {
  const value = JSON.parse('{"toString":1,"__proto__":{"constructor":2}}');
  assertEquals(
    canonicalJson({ ...value, x: undefined }),
    '{"__proto__":{"constructor":2},"toString":1}',
  );
});

Deno.test("canonicalJson() writes -0 as 0, since both are equal", () => {
  assertEquals(canonicalJson([-0]), "[0]");
});

for (const value of [undefined, NaN, Infinity, -Infinity, 1n, () => 1, Symbol("x"), [undefined]]) {
  Deno.test(`canonicalJson() refuses ${Deno.inspect(value)}`, () => {
    assertThrows(() => canonicalJson(value), TypeError);
    assertThrows(() => canonicalJson({ a: [value] }), TypeError);
  });
}

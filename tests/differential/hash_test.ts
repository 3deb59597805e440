import { assertEquals } from "@std/assert";
import { EXACT_LIMIT, hashBytes, hashText, Member, PRECISION } from "@pipeline/core";
import fc from "fast-check";
import { xxHash64 } from "./_xxhash64.ts";

const encoder = new TextEncoder();

Deno.test("xxHash64() of the specification gives its published value", () => {
  assertEquals(xxHash64(new Uint8Array(), 0n), 0xef46db3751d8e999n);
});

Deno.test("xxHash64() gives what Spark documents for xxhash64('Spark', array(123), 2)", () => {
  // Spark hashes columns one after the other, each seeded with the hash of the one before,
  // from 42; an integer counts as its four bytes.
  const integer = (n: number) => new Uint8Array(new Int32Array([n]).buffer);
  const text = xxHash64(encoder.encode("Spark"), 42n);
  const hash = xxHash64(integer(2), xxHash64(integer(123), text));
  assertEquals(BigInt.asIntN(64, hash), 5602566077635097486n);
});

Deno.test("hashText() is xxHash64 with seed 42 of the UTF-8 bytes", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", "\0", "é", "\uffee", "🎈") }),
    fc.string({ minLength: 30, maxLength: 100 }),
  );
  fc.assert(fc.property(text, (t) => {
    const expected = xxHash64(encoder.encode(t), 42n).toString(16).padStart(16, "0");
    assertEquals(hashText(t), expected);
    assertEquals(hashBytes(encoder.encode(t)), expected);
  }));
});

Deno.test("Member takes register and rank from the bits of the hash", () => {
  assertEquals([PRECISION, EXACT_LIMIT], [12, 128]);
  const hash = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 52 }))
      .map(([register, bits]) => (BigInt(register) << 52n) | ((1n << BigInt(bits)) - 1n)),
  );
  fc.assert(fc.property(hash, (value) => {
    const bits = value.toString(2).padStart(64, "0");
    const member = new Member(value.toString(16).padStart(16, "0"));
    assertEquals(member.register, parseInt(bits.slice(0, 12), 2));
    assertEquals(member.rank, (bits.slice(12) + "1").indexOf("1") + 1);
  }));
});

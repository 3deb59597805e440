import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { countUnion, Distinct, EXACT_LIMIT, Member, PRECISION } from "./distinct.ts";
import { hashText } from "./hash.ts";
import { PipelineError } from "./errors.ts";

function distinctOf(members: Iterable<string>): Distinct {
  const distinct = new Distinct();
  for (const member of members) distinct.add(Member.of(member));
  return distinct;
}

function names(count: number, prefix = "u"): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

Deno.test("Distinct counts exactly up to its limit, and estimates from the next member on", () => {
  for (const count of [0, 1, 2, 3, 127, 128]) {
    const distinct = distinctOf([...names(count), ...names(count).reverse()]);
    assertEquals(distinct.count(), count);
    assertEquals(distinct.toString(), storedExact(names(count)));
  }
  const next = distinctOf(names(EXACT_LIMIT + 1));
  assertEquals(next.toString().length, 1 + 2 ** PRECISION);
  assert(next.toString().startsWith("h"));
  assert(Math.abs(next.count() - 129) <= 10);
});

function storedExact(members: string[]): string {
  return members.length === 0 ? "" : `x${members.map(hashText).sort().join("")}`;
}

Deno.test("Distinct.add() returns whether it changed anything", () => {
  const distinct = new Distinct();
  for (const name of names(100)) {
    const member = Member.of(name);
    assert(distinct.add(member));
    assert(!distinct.add(member));
    assert(!distinct.add(Member.of(name)));
  }
  const large = distinctOf(names(1000));
  const before = large.toString();
  assert(names(1000).every((name) => !large.add(Member.of(name))));
  assertEquals(large.toString(), before);
  const changed = names(5000, "v").filter((name) => {
    const form = large.toString();
    return large.add(Member.of(name)) !== (large.toString() !== form);
  });
  assertEquals(changed, []);
});

Deno.test("Distinct is empty until something is added, also something stored", () => {
  const distinct = new Distinct();
  distinct.addStored("");
  assert(distinct.empty);
  distinct.addStored(storedExact(["u"]));
  assert(!distinct.empty);
  assert(!distinctOf(names(200)).empty);
});

Deno.test("Distinct keeps members apart whose last 52 bits are equal", () => {
  const distinct = new Distinct();
  for (const hash of ["0010000000000001", "0020000000000001", "0030000000000001"]) {
    assert(distinct.add(new Member(hash)));
    assert(!distinct.add(new Member(hash)));
  }
  assertEquals(distinct.count(), 3);
});

Deno.test("Distinct estimates within five standard errors at every size, and without bias", () => {
  const sizes = [129, 200, 500, 1000, 2000, 5000, 8000, 10_000, 12_000, 20_000, 50_000];
  for (const size of sizes) {
    let sum = 0;
    for (let run = 0; run < 8; run++) {
      const estimate = distinctOf(names(size, `${run}-`)).count();
      const error = estimate / size - 1;
      assert(Math.abs(error) < 5 * 1.04 / 64, `${size}: ${estimate}`);
      sum += error;
    }
    // The original estimate is known to be high by up to 2 % around 2.5 registers' worth.
    assert(Math.abs(sum / 8) < 0.03, `${size}: bias ${sum / 8}`);
  }
});

Deno.test("Distinct estimates as published: linear counting, then the harmonic mean", () => {
  const registers = (ranks: number[]) => `h${ranks.map((r) => DIGITS[r]).join("")}`;
  const m = 4096;
  const half = registers(Array.from({ length: m }, (_, i) => i % 2));
  assertEquals(countUnion([half]), Math.round(m * Math.log(2)));
  // No register is empty, so that linear counting does not apply.
  const ones = registers(Array.from({ length: m }, () => 1));
  const alpha = 0.7213 / (1 + 1.079 / m);
  assertEquals(countUnion([ones]), Math.round(alpha * m * 2));
  const high = registers(Array.from({ length: m }, (_, i) => i === 0 ? 0 : 10));
  assertEquals(countUnion([high]), Math.round(alpha * m * m / (1 + (m - 1) / 1024)));
  assertEquals(countUnion([registers(Array.from({ length: m }, () => 53))]), alpha * m * 2 ** 53);
});

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Deno.test("Distinct reads back both stored forms to the byte", () => {
  for (const count of [0, 1, 2, 128, 129, 3000]) {
    const stored = distinctOf(names(count)).toString();
    const restored = new Distinct();
    restored.addStored(stored);
    assertEquals(restored.toString(), stored);
    assertEquals(restored.count(), distinctOf(names(count)).count());
  }
});

Deno.test("Distinct has one form for a set, however it was split, ordered or stored", () => {
  const pool = names(400);
  const subset = fc.tuple(fc.nat(399), fc.nat(200)).map(([from, n]) => pool.slice(from, from + n));
  fc.assert(fc.property(fc.array(subset, { maxLength: 4 }), (subsets) => {
    const whole = distinctOf(subsets.flat());
    const stored = new Distinct();
    for (const members of subsets.toReversed()) stored.addStored(distinctOf(members).toString());
    assertEquals(stored.toString(), whole.toString());
    assertEquals(stored.empty, subsets.flat().length === 0);
    assertEquals(countUnion(subsets.map((s) => distinctOf(s).toString())), whole.count());
  }));
});

const CORRUPT: [name: string, stored: string][] = [
  ["another letter", "y0123456789abcdef"],
  ["no letter", "0123456789abcdef"],
  ["an exact form without members", "x"],
  ["half a hash", "x0123456789abcde"],
  ["a hash and a half", "x0123456789abcdef01234567"],
  ["other digits", "x0123456789abcdeg"],
  ["capital digits", "x0123456789ABCDEF"],
  ["a line end", `${storedExact(["u"])}\n`],
  ["more members than are kept exactly", storedExact(names(EXACT_LIMIT + 1))],
  ["too few registers", `h${"A".repeat(4095)}`],
  ["too many registers", `h${"A".repeat(4097)}`],
  ["a register above 53", `h${"A".repeat(4095)}2`],
  ["a digit of another alphabet", `h${"A".repeat(4095)}-`],
];
for (const [name, stored] of CORRUPT) {
  Deno.test(`Distinct.addStored() refuses ${name}`, () => {
    const error = assertThrows(() => new Distinct().addStored(stored), PipelineError);
    assertEquals(error.code, "corrupt");
    assert(error.message.length < 100);
  });
}

Deno.test("Member.rank is the position of the first 1 among the last 52 bits", () => {
  const of = (hash: string) => new Member(hash).rank;
  assertEquals(of("0008000000000000"), 1);
  assertEquals(of("fff7ffffffffffff"), 2);
  assertEquals(of("0000000100000000"), 20);
  assertEquals(of("0000000080000000"), 21);
  assertEquals(of("0000000000000001"), 52);
  assertEquals(of("fff0000000000000"), 53);
  assertEquals(new Member("abc0000000000000").register, 0xabc);
});

Deno.test("a sum of counts is not the count of the union", () => {
  const [a, b] = [distinctOf(["u", "v"]), distinctOf(["v", "w"])];
  assertNotEquals(a.count() + b.count(), countUnion([`${a}`, `${b}`]));
  assertEquals(countUnion([`${a}`, `${b}`]), 3);
});

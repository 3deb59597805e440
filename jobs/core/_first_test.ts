import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { firstOf } from "./_first.ts";

interface Item {
  readonly rank: number;
  readonly arrival: number;
}

Deno.test("firstOf() gives what a stable sort of all items begins with", () => {
  const ranks = fc.array(fc.nat(40), { maxLength: 400, size: "max" });
  fc.assert(fc.property(ranks, fc.constantFrom(0, 1, 2, 7, 100, Infinity), (ranks, limit) => {
    const items = ranks.map((rank, arrival): Item => ({ rank, arrival }));
    const compare = (a: Item, b: Item) => a.rank - b.rank;
    assertEquals(firstOf(items, limit, compare), items.toSorted(compare).slice(0, limit));
  }));
});

Deno.test("firstOf() compares most items once if few are wanted", () => {
  let compared = 0;
  const items = Array.from({ length: 100_000 }, (_, i) => i);
  const found = firstOf(items, 3, (a, b) => {
    compared++;
    return a - b;
  });
  assertEquals(found, [0, 1, 2]);
  assertEquals(compared < 2 * items.length, true, `${compared} comparisons`);
});

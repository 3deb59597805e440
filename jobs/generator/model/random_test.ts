import { assert, assertEquals, assertLess } from "@std/assert";
import { subredditName, userName } from "./names.ts";
import { fnv1a, Random } from "./random.ts";
import { Zipf } from "./zipf.ts";

Deno.test("Random gives the numbers that another sfc32 gives", () => {
  // Reimplemented from PractRand's description, with BigInt instead of 32-bit tricks.
  const mask = 0xffffffffn;
  let [a, b, c, d] = [42n, 0n, BigInt(fnv1a("")), 1n];
  const next = () => {
    const sum = (a + b + d) & mask;
    d = (d + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + sum) & mask;
    return Number(sum);
  };
  for (let i = 0; i < 12; i++) next();
  const random = new Random(42);
  for (let i = 0; i < 1_000; i++) assertEquals(random.bits(), next());
});

Deno.test("Random is uniform enough, and its streams differ", () => {
  const random = new Random(1, "one");
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) buckets[random.below(10)]!++;
  for (const count of buckets) assertLess(Math.abs(count - 10_000), 500);
  assert(new Random(1, "one").bits() !== new Random(1, "two").bits());
  assert(new Random(1).bits() !== new Random(2 ** 32 + 1).bits());
});

Deno.test("Zipf draws each rank by its weight", () => {
  const zipf = new Zipf(50, 1);
  const random = new Random(2);
  const counts = new Array<number>(50).fill(0);
  for (let i = 0; i < 500_000; i++) counts[zipf.sample(random)]!++;
  const harmonic = counts.reduce((sum, _, rank) => sum + 1 / (rank + 1), 0);
  for (const [rank, count] of counts.entries()) {
    const expected = 500_000 / (rank + 1) / harmonic;
    assertLess(Math.abs(count - expected), 6 * Math.sqrt(expected));
  }
});

Deno.test("names are distinct and fit into a URL", () => {
  const names = [
    ...Array.from({ length: 20_000 }, (_, rank) => subredditName(rank)),
    ...Array.from({ length: 20_000 }, (_, rank) => userName(rank)),
  ];
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assert(/^\w{2,40}$/.test(name), name);
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { murmur2, partitionFor } from "./partitioner.ts";

const encoder = new TextEncoder();

// The expected values of murmur2 in the test of Kafka's own clients (UtilsTest.testMurmur2).
const KAFKA: [text: string, hash: number][] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

for (const [text, hash] of KAFKA) {
  Deno.test(`murmur2() of ${text} is what Kafka computes`, () => {
    assertEquals(murmur2(encoder.encode(text)), hash);
  });
}

Deno.test("partitionFor() clears the sign bit instead of taking the absolute value", () => {
  assertEquals(partitionFor("21", 3), (-973932308 & 0x7fffffff) % 3);
  assertEquals([1, 3, 7].map((n) => partitionFor("foobar", n)), [
    0,
    1357151166 % 3,
    1357151166 % 7,
  ]);
});

Deno.test("partitionFor() is a function of the UTF-8 bytes and stays within the partitions", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "1", "é", "\uffee", "🎈") }),
      fc.integer({ min: 1, max: 64 }),
      (key, n) => {
        const partition = partitionFor(key, n);
        assert(Number.isInteger(partition) && partition >= 0 && partition < n);
        assertEquals(partition, (murmur2(encoder.encode(key)) & 0x7fffffff) % n);
      },
    ),
  );
});

Deno.test("partitionFor() spreads keys evenly", () => {
  const counts = [0, 0, 0];
  for (let i = 0; i < 3000; i++) counts[partitionFor(`t3_${i.toString(36)}`, 3)]!++;
  for (const count of counts) assert(Math.abs(count - 1000) < 150, `${counts}`);
});

import { assertEquals } from "@std/assert";
import { newestParts, type PartAnswer } from "./parts.ts";

const COUNTS = { records: 0, dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0, keys: 0 };

function answer(partition: number, next_offset: number): PartAnswer {
  return { topic: "reddit.posts", partition, next_offset, ...COUNTS, answers: [] };
}

Deno.test("newestParts() takes the answer that has folded most, whole, in any order", () => {
  const [a, b, other] = [answer(0, 7), answer(0, 9), answer(1, 3)];
  for (const order of [[a, b, other], [b, other, a], [other, a, b]]) {
    assertEquals(
      Object.fromEntries(newestParts(order)),
      { "reddit.posts-0": b, "reddit.posts-1": other },
    );
  }
});

Deno.test("newestParts() knows no part that nobody answered for", () => {
  assertEquals(newestParts([]).size, 0);
});

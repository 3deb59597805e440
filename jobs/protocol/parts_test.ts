import { assertEquals } from "@std/assert";
import { foldIdentity, newestParts, type PartAnswer } from "./parts.ts";
import { emptyManifest } from "./testing/mod.ts";

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

Deno.test("foldIdentity() is the same in every state of a generation, and another for each fold", () => {
  const manifest = emptyManifest({ planned: 1 });
  const same = foldIdentity({ ...manifest, state: "live", updated: manifest.updated + 1 });
  assertEquals(same, foldIdentity(manifest));
  const others = [
    { ...manifest, generation: manifest.generation + 1 },
    { ...manifest, definition: "0".repeat(16) },
    { ...manifest, horizon: { ...manifest.horizon, "reddit.posts": [7] } },
    { ...manifest, history: ["another-load"] },
    { ...manifest, planned: 2 },
  ];
  assertEquals(new Set([manifest, ...others].map(foldIdentity)).size, 1 + others.length);
});

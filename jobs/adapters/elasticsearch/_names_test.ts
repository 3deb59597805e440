import { assertEquals } from "@std/assert";
import { Names } from "./_names.ts";

Deno.test("Names.generation() takes for a generation's index only what this prefix has made", () => {
  const names = new Names("a.");
  for (const generation of [1, 999_999, 1_000_000]) {
    for (const index of [...names.indices(generation), ...names.lives(generation)]) {
      assertEquals(names.generation(index), generation, index);
    }
  }
  const [index] = names.indices(7);
  const others = [
    names.control,
    names.unserved,
    names.alias("top_posts"),
    names.writes("top_posts", 7),
    names.liveWrites("top_posts", 7),
    `${index}-live-live`,
    "a.views_top_posts_v1--live",
    `b.${index}`,
    index!.slice(2),
    `${index}x`,
    "a.views_top_posts_v1-42",
    "a.views_other_v1-000007",
  ];
  for (const other of others) assertEquals(names.generation(other), undefined, other);
});

import { assertEquals } from "@std/assert";
import { toSeries } from "./series.js";

const at = (minute: number, posts: number) => ({
  window_start: new Date(minute * 60_000).toISOString(),
  posts,
  comments: posts * 2,
});

Deno.test("toSeries() fills windows that were left out with zero", () => {
  const series = toSeries([at(1, 5), at(2, 6), at(5, 7)], {
    step: 60_000,
    keys: ["posts", "comments"],
  });
  assertEquals(series, [[60, 120, 180, 240, 300], [[5, 6, 0, 0, 7], [10, 12, 0, 0, 14]]]);
});

Deno.test("toSeries() of nothing is empty", () => {
  assertEquals(toSeries([], { step: 60_000, keys: ["posts"] }), [[], [[]]]);
});

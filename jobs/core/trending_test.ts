import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareTrends, type TrendInput, trendOf } from "./trending.ts";

const input: fc.Arbitrary<TrendInput> = fc.record({
  subreddit: fc.constantFrom("a", "b", "\uffee", "🎈"),
  recent: fc.nat(6),
  baseline: fc.nat(6),
});

Deno.test("trendOf() is a window against the mean of the 24 before it", () => {
  assertEquals(trendOf({ subreddit: "a", recent: 5, baseline: 48 }).trend, 2.5);
  assertEquals(trendOf({ subreddit: "a", recent: 0, baseline: 1 }).trend, 0);
  assertEquals(trendOf({ subreddit: "a", recent: 5, baseline: 0 }).trend, null);
});

Deno.test("compareTrends() puts the stronger trend first, then the busier, then the name", () => {
  const of = (subreddit: string, recent: number, baseline: number) => ({
    subreddit,
    recent,
    baseline,
  });
  const sorted = [
    of("z", 4, 1),
    of("b", 4, 2),
    of("a", 2, 1),
    of("c", 2, 1),
    of("quiet", 0, 9),
    of("new", 9, 0),
    of("newer", 1, 0),
  ];
  assertEquals([...sorted].reverse().sort(compareTrends), sorted);
});

Deno.test("compareTrends() decides by whole numbers where quotients round to the same", () => {
  const baseline = 2 ** 31;
  const a = { subreddit: "a", recent: 3, baseline: 3 * baseline };
  const b = { subreddit: "b", recent: 5, baseline: 5 * baseline };
  assert(compareTrends(b, a) < 0);
});

Deno.test("compareTrends() is a total order that agrees with the trend", () => {
  fc.assert(fc.property(input, input, input, (a, b, c) => {
    const order = Math.sign(compareTrends(a, b));
    assertEquals(order, -Math.sign(compareTrends(b, a)) + 0);
    const shown = (input: TrendInput) => [input.subreddit, input.recent, trendOf(input).trend];
    if (order === 0) assertEquals(shown(a), shown(b));
    if (compareTrends(a, b) <= 0 && compareTrends(b, c) <= 0) assert(compareTrends(a, c) <= 0);
    const [x, y] = [trendOf(a).trend, trendOf(b).trend];
    if (x !== null && y !== null && x > y) assertEquals(order, -1);
    if (x !== null && y === null) assertEquals(order, -1);
  }));
});

import { assertEquals } from "@std/assert";
import { age, compact, count, minute, missingText, timeLabels } from "./format.js";

Deno.test("count() and compact() group digits, and show that a number is unknown", () => {
  assertEquals([count(12345), count(0), count(null)], ["12,345", "0", "–"]);
  assertEquals([compact(9999), compact(12345), compact(undefined)], ["9,999", "12.3K", "–"]);
});

Deno.test("timeLabels() are as fine as the ticks are apart", () => {
  const [midnight, noon] = [Date.UTC(2026, 0, 31) / 1000, Date.UTC(2026, 0, 31, 12) / 1000];
  assertEquals(timeLabels([noon], 5), ["12:00:00"]);
  assertEquals(timeLabels([noon], 600), ["12:00"]);
  assertEquals(timeLabels([midnight, noon], 43_200), ["01-31", "12:00"]);
  assertEquals(timeLabels([midnight], 86_400), ["01-31"]);
});

Deno.test("age() is in the greatest whole unit, and never negative", () => {
  const now = "2026-01-31T12:00:00.000Z";
  const ages = ["2026-01-31T11:59:18.000Z", "2026-01-31T11:55:01.000Z", "2026-01-28T12:00:00.000Z"];
  assertEquals(ages.map((one) => age(one, now)), ["42 s", "4 min", "3 d"]);
  assertEquals(age("2026-01-31T12:00:09.000Z", now), "0 s");
});

Deno.test("minute() leaves out seconds", () => {
  assertEquals(minute("2026-01-31T12:34:56.000Z"), "2026-01-31 12:34");
});

Deno.test("missingText() is a sentence a person understands", () => {
  assertEquals(missingText([]), "");
  assertEquals(
    missingText(["reddit.posts-1", "store"]),
    "Partial data: the speed layer has not begun with reddit.posts-1; a part of the store does not " +
      "answer.",
  );
});

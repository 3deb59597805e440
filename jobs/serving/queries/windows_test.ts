import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type WindowName, WINDOWS } from "@pipeline/core";
import { Problem } from "../problem.ts";
import { withReading } from "../reading/reading.ts";
import { sourceOf } from "../testing/source.ts";
import { buildStore, NOON, post } from "../testing/world.ts";
import { listSubreddits } from "./subreddits.ts";
import { userActivity } from "./user_activity.ts";
import { MAX_WINDOWS, type RangeRequest, resolveRange } from "./windows.ts";

const HOUR = WINDOWS["1h"];
const RETAINED = { "1m": NOON, "1h": NOON - 30 * HOUR, "1d": 0 };

function range(request: Omit<RangeRequest, "window"> & { window?: WindowName }, latest = NOON) {
  return resolveRange({ retained_from: RETAINED }, { window: "1h", ...request }, latest);
}

function refusal(request: Omit<RangeRequest, "window"> & { window?: WindowName }) {
  const error = assertThrows(() => range(request), Problem);
  assertEquals(error.status, 400);
  return error.message;
}

Deno.test("resolveRange() completes missing bounds from the latest window and the retention", () => {
  assertEquals(range({}), { from: NOON - 30 * HOUR, to: NOON + HOUR });
  assertEquals(range({ from: NOON - 2 * HOUR }), { from: NOON - 2 * HOUR, to: NOON + HOUR });
  assertEquals(range({ from: NOON + 9 * HOUR }), {
    from: NOON + 9 * HOUR,
    to: NOON + 9 * HOUR,
  });
  const month = range({ window: "1d" });
  assertEquals((month.to - month.from) / WINDOWS["1d"], 31);
});

Deno.test("resolveRange() refuses windows that are no longer kept, and names the first one", () => {
  assertEquals(
    refusal({ from: NOON - 31 * HOUR }),
    '"from" is 2026-01-30T05:00:00.000Z: windows of 1h are kept from 2026-01-30T06:00:00.000Z',
  );
  assertEquals(
    refusal({ to: NOON - HOUR, window: "1m" }),
    '"to" is 2026-01-31T11:00:00.000Z: windows of 1m are kept from 2026-01-31T12:00:00.000Z',
  );
});

Deno.test("resolveRange() refuses ranges that are empty or too long", () => {
  assertEquals(
    refusal({ from: NOON, to: NOON }),
    '"to" (2026-01-31T12:00:00.000Z) must be after "from" (2026-01-31T12:00:00.000Z)',
  );
  const to = NOON + (MAX_WINDOWS + 1) * WINDOWS["1m"];
  assertEquals(
    refusal({ window: "1m", from: NOON, to }),
    "The range from 2026-01-31T12:00:00.000Z to 2026-02-01T13:01:00.000Z has 1501 windows of 1m: " +
      "at most 1500 are allowed",
  );
});

Deno.test("listSubreddits() refuses trends without all the windows before", async () => {
  const store = await buildStore({ speed: [post()] }, { retained: RETAINED });
  const list = (at?: number) =>
    withReading(
      sourceOf({ store }),
      (reading) => listSubreddits(reading, { window: "1h", sort: "trending", limit: 5, at }),
    );
  assertEquals((await list()).items.length, 1);
  const error = await assertRejects(() => list(NOON - 7 * HOUR), Problem);
  assertEquals(
    error.message,
    'A trend at 2026-01-31T05:00:00.000Z needs the 24 windows before: the first "at" with all ' +
      "of them is 2026-01-31T06:00:00.000Z",
  );
});

Deno.test("userActivity() refuses windows that users are not counted in", async () => {
  const store = await buildStore({});
  const error = await assertRejects(
    () => withReading(sourceOf({ store }), (r) => userActivity(r, { user_id: "u", window: "1m" })),
    Problem,
  );
  assertEquals(error.message, '"window" is "1m": users are counted in windows of "1d"');
});

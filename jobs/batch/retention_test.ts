import { DAY, RETAIN_ALL, WINDOWS } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import { retainedFrom, type Retention } from "./retention.ts";

const HOUR = WINDOWS["1h"];
const NOON = Date.UTC(2026, 2, 1, 12);

function keeping(more: Partial<Retention>): Retention {
  return { minutes: 0, hours: 0, days: 0, ...more };
}

Deno.test("retainedFrom() follows the latest event, from the start of the window that it falls into", () => {
  const days = [{ latest: NOON + 3 * HOUR + 5 }, { latest: NOON }, { latest: -1 }];
  assertEquals(retainedFrom(days, keeping({ hours: HOUR }))["1h"], NOON + 2 * HOUR);
  assertEquals(retainedFrom(days, keeping({ minutes: 61_000 }))["1m"], NOON + 3 * HOUR - 120_000);
});

Deno.test("retainedFrom() keeps small windows no longer than those that they lie in", () => {
  const days = [{ latest: NOON }];
  const from = retainedFrom(days, keeping({ days: DAY }));
  assertEquals(from, { "1m": NOON - 36 * HOUR, "1h": NOON - 36 * HOUR, "1d": NOON - 36 * HOUR });
  assertEquals(retainedFrom(days, keeping({ minutes: DAY, hours: HOUR })), {
    "1m": NOON - HOUR,
    "1h": NOON - HOUR,
    "1d": 0,
  });
});

Deno.test("retainedFrom() never brings back retired windows", () => {
  const before = retainedFrom([{ latest: NOON }], keeping({ hours: HOUR }));
  assertEquals(retainedFrom([{ latest: NOON - DAY }], keeping({ hours: HOUR }), before), before);
  assertEquals(retainedFrom([{ latest: NOON }], keeping({ hours: DAY }), before), before);
  assertEquals(retainedFrom([], keeping({}), before), before);
});

Deno.test("retainedFrom() keeps everything for ever, before the first event, and since 1970", () => {
  assertEquals(retainedFrom([{ latest: NOON }], keeping({})), RETAIN_ALL);
  assertEquals(retainedFrom([], keeping({ hours: HOUR })), RETAIN_ALL);
  assertEquals(retainedFrom([{ latest: HOUR }], keeping({ days: DAY })), RETAIN_ALL);
});

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatTime, MAX_TIME, parseTime, WINDOW_NAMES, WINDOWS, windowStart } from "./time.ts";

const NOON = Date.UTC(2026, 0, 31, 12);

const VALID: [value: unknown, time: number][] = [
  ["2026-01-31T12:00:00.000Z", NOON],
  ["2026-01-31T12:00:00Z", NOON],
  ["2026-01-31T12:00Z", NOON],
  ["2026-01-31 12:00:00z", NOON],
  ["2026-01-31t12:00:00,5Z", NOON + 500],
  ["2026-01-31T12:00:00.123456789Z", NOON + 123],
  ["2026-01-31T12:00:00.9999Z", NOON + 999],
  ["2026-01-31T13:30:00+01:30", NOON],
  ["2026-01-31T07:00:00.000-0500", NOON],
  ["2026-02-01T00:00:00+12:00", NOON],
  ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
  ["2000-02-29T00:00:00.000Z", Date.UTC(2000, 1, 29)],
  ["1970-01-01T00:00:00.000Z", 0],
  ["9999-12-31T23:59:59.999Z", MAX_TIME],
  [NOON, NOON],
  [NOON / 1000, NOON],
  [0, 0],
  [-0, 0],
  [99_999_999_999, 99_999_999_999_000],
  [100_000_000_000, 100_000_000_000],
  [MAX_TIME, MAX_TIME],
  ["2026-01-31 12:00:00+00:00", NOON],
  ["2026-01-31 14:00:00.000000+0200", NOON],
  ["1769860800", NOON],
  ["1769860800.0", NOON],
  ["1769860800000", NOON],
  ["1.7698608e9", NOON],
  ["1.7698608e+09", NOON],
  // Decimals of a second, exactly, and cut beyond milliseconds.
  [1_769_860_800.123, NOON + 123],
  ["1769860800.123", NOON + 123],
  [1_769_860_800.9999, NOON + 999],
  [1_769_860_800_123.9, NOON + 123],
  ["0", 0],
  ["-0", 0],
  [0.5, 500],
];

for (const [value, time] of VALID) {
  Deno.test(`parseTime() reads ${Deno.inspect(value)}`, () => {
    // Twice, since the day of the first call is cached.
    assertEquals(parseTime(value), time);
    assertEquals(parseTime(value), time);
  });
}

const INVALID: unknown[] = [
  "",
  "2026-01-31",
  "2026-01-31T12:00:00",
  "2026-01-31T12:00:00.000",
  "2026-02-29T12:00:00.000Z",
  "1900-02-29T12:00:00Z",
  "2026-00-10T12:00:00.000Z",
  "2026-13-10T12:00:00.000Z",
  "2026-04-31T12:00:00.000Z",
  "2026-01-32T12:00:00.000Z",
  "2026-01-00T12:00:00.000Z",
  "2026-01-31T24:00:00.000Z",
  "2026-01-31T12:60:00.000Z",
  "2026-01-31T12:00:60.000Z",
  "2026-01-31T12:00:00.00xZ",
  "2026-01-31T12-00:00.000Z",
  "2026-01-31T1 :00:00.000Z",
  "2026-01-31T12:00:00.000Y",
  "2026/01/31T12:00:00.000Z",
  "2026-01-31X12:00:00.000Z",
  "2026-01-31T12:00:00.Z",
  "2026-01-31T12:00:00+24:00",
  "2026-01-31T12:00:00+01:60",
  "2026-01-31T12:00:00+1:00",
  "2026-01-31T12:00:00.1234567890Z",
  " 2026-01-31T12:00:00Z",
  "2026-01-31T12:00:00Z\n",
  "１９７０-01-01T00:00:00.000Z",
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00+01:00",
  "0070-01-01T00:00:00.000Z",
  "9999-12-31T23:59:59.999-01:00",
  "+12026-01-31T12:00:00Z",
  "1769860800s",
  " 1769860800",
  "+1769860800",
  "0x10",
  "1e",
  ".5",
  "-1",
  "-0.5",
  "NaN",
  "Infinity",
  "1e999",
  "1569889800000000000",
  -1,
  -0.5,
  1e-7,
  MAX_TIME + 0.5,
  NaN,
  Infinity,
  MAX_TIME + 1,
  2 ** 53,
  true,
  null,
  undefined,
  {},
  [NOON],
];

for (const value of INVALID) {
  Deno.test(`parseTime() refuses ${Deno.inspect(value)}`, () => {
    assertEquals(parseTime(value), undefined);
  });
}

const time = fc.integer({ min: 0, max: MAX_TIME });

Deno.test("parseTime() reads back what formatTime() writes, by the fast path and by the other", () => {
  fc.assert(fc.property(time, (t) => {
    const text = formatTime(t);
    assertEquals(parseTime(text), t);
    assertEquals(parseTime(text.replace("Z", "+00:00")), t);
  }));
});

Deno.test("parseTime() distinguishes seconds and milliseconds from 1973 to 5138", () => {
  const seconds = fc.integer({ min: 100_000_000, max: 99_999_999_999 });
  fc.assert(fc.property(seconds, (s) => {
    assertEquals(parseTime(s), s * 1000);
    assertEquals(parseTime(s * 1000), s * 1000);
  }));
});

Deno.test("windowStart() puts each time into one window, which those of the next size tile", () => {
  fc.assert(fc.property(time, (t) => {
    for (const name of WINDOW_NAMES) {
      const start = windowStart(t, WINDOWS[name]);
      assertEquals(start, Math.floor(t / WINDOWS[name]) * WINDOWS[name]);
    }
    const hour = windowStart(t, WINDOWS["1h"]);
    assertEquals(windowStart(hour, WINDOWS["1d"]), windowStart(t, WINDOWS["1d"]));
    assertEquals(windowStart(windowStart(t, WINDOWS["1m"]), WINDOWS["1h"]), hour);
  }));
});

Deno.test("parseTime() judges its own form as it judges every other form of the same time", () => {
  const digits = (n: number, max: number) =>
    fc.nat(max).map((value) => String(value).padStart(n, "0"));
  const parts = fc.tuple(
    fc.oneof(digits(4, 9999), fc.constantFrom("1969", "1970", "1900", "2000", "2024", "2100")),
    digits(2, 14),
    digits(2, 33),
    digits(2, 26),
    digits(2, 62),
    digits(2, 62),
    digits(3, 999),
  );
  fc.assert(
    fc.property(parts, ([year, month, day, hour, minute, second, millisecond]) => {
      const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}`;
      assertEquals(parseTime(`${local}Z`), parseTime(`${local}+00:00`));
    }),
    { numRuns: 2_000 },
  );
});

import { assertEquals } from "@std/assert";
import { healthFacts } from "./health.js";

const SUMMARY = {
  time: "2026-01-31T12:34:56.000Z",
  planned: "2026-01-31T12:30:00.000Z",
  since: "2026-01-31T12:31:00.000Z",
  provenance: { generation: 7 },
  layers: { speed: { dead_letters: 0, duplicates: 1_234, retired: 2 } },
  outcomes: {},
};

Deno.test("healthFacts() show the age of the horizon, and what has not happened yet", () => {
  assertEquals(healthFacts(SUMMARY), [
    ["Horizon", "4 min old", false],
    ["Serves since", "2026-01-31 12:31 UTC, generation 7", false],
    ["Last run of batch", "none yet", false],
    ["Last verification", "none yet", false],
    ["Since the horizon", "0 unusable, 1,234 duplicates, 2 late", false],
  ]);
  assertEquals(healthFacts({ ...SUMMARY, planned: null })[0], ["Horizon", "not known", false]);
});

Deno.test("healthFacts() mark problems: a last run that failed, drift, rejected records", () => {
  const succeeded = {
    at: "2026-01-31T12:31:00.000Z",
    generation: 7,
    took: { fold: 1_500, publish: 2_000, switch: 100 },
  };
  const verified = { at: "2026-01-31T10:34:56.000Z", generation: 6, differences: 0 };
  const facts = (outcomes: unknown, dead_letters = 0) =>
    healthFacts({
      ...SUMMARY,
      outcomes,
      layers: { speed: { ...SUMMARY.layers.speed, dead_letters } },
    })
      .slice(2);
  assertEquals(facts({ succeeded, verified }), [
    ["Last run of batch", "2026-01-31 12:31 UTC, generation 7 in 4 s", false],
    ["Last verification", "exact, generation 6, 2 h ago", false],
    ["Since the horizon", "0 unusable, 1,234 duplicates, 2 late", false],
  ]);
  const failed = { at: "2026-01-31T12:32:00.000Z", why: "no room" };
  assertEquals(facts({ succeeded, failed, verified: { ...verified, differences: 3 } }, 5), [
    ["Last run of batch", "failed 2026-01-31 12:32 UTC: no room", true],
    ["Last verification", "3 differences, generation 6, 2 h ago", true],
    ["Since the horizon", "5 unusable, 1,234 duplicates, 2 late", true],
  ]);
  const before = { ...failed, at: "2026-01-31T12:30:00.000Z" };
  assertEquals(facts({ succeeded, failed: before })[0]?.[2], false);
});

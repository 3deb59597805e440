import { assertEquals, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { commandConfig, configJsonSchema, loadConfig } from "@pipeline/runtime";
import { generatorConfig, historyOptions, realtimeOptions } from "./config.ts";
import { generator } from "./job.ts";

const load = (file: unknown) => loadConfig(generatorConfig, { file });

Deno.test("generatorConfig is complete without anything given", () => {
  const config = load({});
  assertEquals(historyOptions(config, 1_000), {
    seed: 1,
    subreddits: 200,
    users: 5_000,
    unknownSubreddit: 0,
    end: 1_000,
    days: 7,
    scale: 1,
  });
  assertEquals(realtimeOptions(config, { run: 3 }), {
    seed: 1,
    subreddits: 200,
    users: 5_000,
    unknownSubreddit: 0,
    run: 3,
    rate: { from: 100, to: 100, over: 0 },
  });
});

Deno.test("generatorConfig takes rates, durations and disorder as people write them", () => {
  const { rate, duration, disorder } = realtimeOptions(
    load({
      realtime: { rate: "10..1000 over 5m", duration: "30s", disorder: { late: 5, lateBy: "2h" } },
    }),
    { run: 1 },
  );
  assertEquals(rate, { from: 10, to: 1000, over: 300_000 });
  assertEquals([duration, disorder?.late, disorder?.lateBy], [30_000, 5, 7_200_000]);
});

Deno.test("generatorConfig refuses wrong values by name", () => {
  const wrong: [unknown, string][] = [
    [{ sed: 1 }, "seed"],
    [{ seed: -1 }, "seed"],
    [{ realtime: { rate: "fast" } }, "realtime.rate"],
    [{ realtime: { rate: NaN } }, "realtime.rate"],
    [{ realtime: { disorder: { late: 101 } } }, "realtime.disorder.late"],
    [{ realtime: { disorder: { late: 60, poison: 60 } } }, "realtime.disorder"],
    [{ historical: { days: 0 } }, "historical.days"],
  ];
  for (const [file, name] of wrong) assertThrows(() => load(file), PipelineError, name);
});

Deno.test("each command names the servers that it cannot do without", () => {
  const wrong: [string, unknown, string][] = [
    ["historical", {}, '"hdfs" is missing: it must be given, unless "embedded" replaces it'],
    ["realtime", {}, '"kafka" is missing: it must be given, unless "embedded" replaces it'],
    ["archive", { archive: { files: ["RS"] } }, '"hdfs" is missing'],
    ["archive", { archive: { files: ["RS"], target: "log" } }, '"kafka" is missing'],
    [
      "archive",
      { embedded: { folder: "data" } },
      '"archive.files" is missing: it must be a list of',
    ],
  ];
  for (const [name, file, message] of wrong) {
    const schema = commandConfig(generator, name);
    assertThrows(() => loadConfig(schema, { file }), PipelineError, message);
  }
  const { embedded } = load({ embedded: { folder: "data" } });
  assertEquals(embedded, { folder: "data", access: "join" });
});

Deno.test("generatorConfig reads the end of the history as a time", () => {
  const { historical } = load({ historical: { end: "2026-01-31T12:00:00Z" } });
  assertEquals(historical.end, Date.UTC(2026, 0, 31, 12));
  assertThrows(() => load({ historical: { end: "yesterday" } }), PipelineError, "historical.end");
});

Deno.test("generatorConfig has a JSON Schema that describes every value", () => {
  const schema = configJsonSchema(generatorConfig) as {
    properties: Record<string, { description?: string; properties?: Record<string, unknown> }>;
  };
  for (const [name, { description, properties }] of Object.entries(schema.properties)) {
    assertEquals(description !== undefined || properties !== undefined, true, name);
  }
});

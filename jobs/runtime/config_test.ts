import { assert, assertEquals, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { z } from "zod";
import { configJsonSchema, environmentName, loadConfig } from "./config.ts";
import { byteSize, duration, integer, parseByteSize, parseDuration, port, text } from "./fields.ts";

const schema = z.strictObject({
  port: port().prefault(30080),
  host: text().prefault("0.0.0.0"),
  kafka: z.strictObject({
    brokers: z.array(text()).min(1).prefault(["localhost:9092"]),
    clientId: text().optional(),
    password: text().optional(),
    timeout: duration({ min: 1000 }).prefault("45s"),
  }).prefault({}),
  buffer: byteSize({ max: 2 ** 30 }).prefault("64MiB"),
  level: z.enum(["info", "debug"]).prefault("info"),
  compact: z.boolean().prefault(true),
  keep: integer({ min: 1 }).prefault(1000),
});

function problem(sources: Parameters<typeof loadConfig>[1]): string {
  const error = assertThrows(() => loadConfig(schema, sources), PipelineError);
  assertEquals(error.code, "invalid");
  return error.message;
}

Deno.test("loadConfig() fills in defaults, in the units of the program", () => {
  const config = loadConfig(schema, {});
  assertEquals(config.port, 30080);
  assertEquals(config.kafka, { brokers: ["localhost:9092"], timeout: 45_000 });
  assertEquals(config.buffer, 64 * 1024 * 1024);
});

Deno.test("loadConfig() lets arguments win over the environment, and that over the file", () => {
  const config = loadConfig(schema, {
    file: { port: 1, keep: 1, level: "debug", kafka: { clientId: "file", timeout: "5m" } },
    env: {
      CONFIG__PORT: "2",
      CONFIG__KEEP: "2",
      CONFIG__KAFKA__BROKERS: "a:1, b:2",
      CONFIG__COMPACT: "false",
      PATH: "/bin",
    },
    args: { port: 3, kafka: { clientId: undefined } },
  });
  assertEquals([config.port, config.keep, config.level, config.compact], [3, 2, "debug", false]);
  assertEquals(config.kafka, { brokers: ["a:1", "b:2"], clientId: "file", timeout: 300_000 });
});

Deno.test("loadConfig() names an unknown key and the nearest known one, with full paths", () => {
  assertEquals(
    problem({ file: { kafka: { brokrs: ["a"] } } }),
    '"kafka.brokrs" is not known; did you mean "kafka.brokers"?',
  );
  assertEquals(
    problem({ file: { kafak: {} } }),
    '"kafak" is not known; did you mean "kafka"?',
  );
  assertEquals(
    problem({ file: { timeout: "1s" } }),
    '"timeout" is not known; did you mean "kafka.timeout"?',
  );
  assertEquals(
    problem({ env: { CONFIG__KAFKA__BROKER: "a" } }),
    'CONFIG__KAFKA__BROKER is not known; did you mean "CONFIG__KAFKA__BROKERS"?',
  );
  assert(problem({ file: JSON.parse('{"__proto__": {"a": 1}}') }).startsWith('"__proto__" is not'));
});

Deno.test("loadConfig() reports the name, its value and the allowed values", () => {
  const cases: [unknown, string][] = [
    [{ port: 70_000 }, '"port" is 70000: it must be an integer between 1 and 65535'],
    [{ port: NaN }, '"port" is "NaN": it must be an integer between 1 and 65535'],
    [{ port: "80" }, '"port" is "80": it must be an integer between 1 and 65535'],
    [{ keep: 1.5 }, '"keep" is 1.5: it must be an integer of at least 1'],
    [{ kafka: { brokers: [] } }, '"kafka.brokers" is []: it must be a list of at least 1'],
    [{ kafka: { brokers: [" "] } }, '"kafka.brokers[0]" is " ": it must be text that is not empty'],
    [
      { kafka: { timeout: "45 seconds" } },
      '"kafka.timeout" is "45 seconds": it must be a duration such as "45s", "5m" or a number of ' +
      "milliseconds, at least 1000",
    ],
    [{ level: "trace" }, '"level" is "trace": it must be one of "info", "debug"'],
    [{ compact: "yes" }, '"compact" is "yes": it must be true or false'],
    [{ kafka: 5 }, '"kafka" is 5: it must be an object'],
    [[], "The configuration must be an object"],
  ];
  for (const [file, message] of cases) assertEquals(problem({ file }), message);
});

Deno.test("loadConfig() names the variable of a bad value", () => {
  assertEquals(
    problem({ env: { CONFIG__PORT: "http" } }),
    '"port" (CONFIG__PORT) is "http": it must be an integer between 1 and 65535',
  );
});

Deno.test("loadConfig() reports everything that is wrong, a line each", () => {
  assertEquals(problem({ file: { port: 0, level: 1, prot: 5 } }).split("\n").length, 3);
});

Deno.test("loadConfig() never shows the value of a secret", () => {
  const message = problem({ file: { kafka: { password: ["hunter2"] } } });
  assertEquals(message, '"kafka.password" is [redacted]: it must be text that is not empty');
});

Deno.test("environmentName() keeps levels and words apart", () => {
  assertEquals(environmentName(["kafka", "clientId"]), "CONFIG__KAFKA__CLIENT_ID");
});

Deno.test("parseDuration() and parseByteSize() read units", () => {
  const durations = ["250ms", "45s", "1.5h", "2d", "7", "5 m", "-1s", ""].map(parseDuration);
  assertEquals(durations, [250, 45_000, 5_400_000, 172_800_000, 7, ...Array(3).fill(undefined)]);
  const sizes = ["64MiB", "64Mi", "10MB", "5", "1kB", "1XB"].map(parseByteSize);
  assertEquals(sizes, [67_108_864, 67_108_864, 10_000_000, 5, 1000, undefined]);
});

Deno.test("configJsonSchema() describes what may be written", () => {
  const json = configJsonSchema(schema) as {
    additionalProperties: boolean;
    properties: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  assertEquals(json.additionalProperties, false);
  assertEquals(json.required, undefined);
  assertEquals(json.properties.port?.maximum, 65_535);
  assertEquals(json.properties.buffer?.default, "64MiB");
  assert(Array.isArray(json.properties.buffer?.anyOf));
});
